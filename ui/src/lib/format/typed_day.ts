/** Days as people write them: "23/11/2026", or "23/11" of this year, or as ISO does. */

/** The day as ISO writes it; null for text that is not a day. */
export function typedDay(text: string, today: string): string | null {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text.trim())
  const written = /^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}))?$/.exec(text.trim())
  const [year, month, day] = iso
    ? iso.slice(1).map(Number)
    : written
      ? [Number(written[3] ?? today.slice(0, 4)), Number(written[2]), Number(written[1])]
      : []
  if (year === undefined || month === undefined || day === undefined) return null
  const made = new Date(Date.UTC(year, month - 1, day))
  return made.getUTCMonth() === month - 1 && made.getUTCDate() === day ? made.toISOString().slice(0, 10) : null
}
