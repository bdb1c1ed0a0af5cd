/** Tables as files: RFC 4180, with the mark that tells spreadsheets the text is UTF-8. */

export type Cell = string | number | null

/** Numbers with a decimal point; null is an empty cell. A text that a spreadsheet would run as a formula is quoted as
 * text. */
export function csv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return '\ufeff' + [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n'
}

function cell(value: Cell): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = inert(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The same rule as the centre's files (ioc/wire/spreadsheets.py): a text that begins like a formula and is no number
 * gets an apostrophe before it. */
export function inert(text: string): string {
  return /^[=+\-@\t\r\n]/.test(text) && !/^[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?$/.test(text) ? `'${text}` : text
}

export function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  const link = Object.assign(document.createElement('a'), { href: address, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
