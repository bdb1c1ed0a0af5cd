/** A chart as a picture that stands alone: what it shows above it, where it comes from below it. */

import { FONT, INK } from './style'

/** `marked` is said in a frame of its own: that the data are simulated. */
export type Caption = { title: string; foot: string; marked: string }

const [HEAD_PX, FOOT_PX, EDGE_PX] = [40, 28, 16]
const [TITLE_PX, SMALL_PX] = [17, 12]
const MARK_INK = '#b3102a'

/** Breaks nothing: a title longer than the picture is wide is cut with an ellipsis. `measure` gives px of a text. */
export function shortened(text: string, room_px: number, measure: (text: string) => number): string {
  if (measure(text) <= room_px) return text
  let end = text.length
  while (end > 1 && measure(`${text.slice(0, end)}…`) > room_px) end -= 1
  return `${text.slice(0, end).trimEnd()}…`
}

export function captionedSvg(inner: string, width: number, height: number, { title, foot, marked }: Caption): string {
  const whole = height + HEAD_PX + FOOT_PX
  const fit = (text: string, size: number, room: number): string =>
    escaped(shortened(text, room, (part) => part.length * size * 0.55))
  const room = width - 2 * EDGE_PX - (marked ? marked.length * SMALL_PX * 0.7 : 0)
  const mark = { y: 26, size: SMALL_PX, weight: 600, fill: MARK_INK }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" viewBox="0 0 ${width} ${whole}">`,
    `<rect width="${width}" height="${whole}" fill="#fff"/>`,
    line(fit(title, TITLE_PX, room), { y: 26, size: TITLE_PX, weight: 600 }),
    marked && line(escaped(marked), { ...mark, x: width - EDGE_PX, anchor: 'end' }),
    `<svg x="0" y="${HEAD_PX}" width="${width}" height="${height}">${inner.replace(/^<\?xml[^>]*>/, '')}</svg>`,
    line(fit(foot, SMALL_PX, width - 2 * EDGE_PX), { y: whole - 10, size: SMALL_PX, weight: 400, fill: INK.text }),
    '</svg>',
  ].join('')
}

type Line = { y: number; size: number; weight: number; x?: number; anchor?: string; fill?: string }

function line(text: string, { y, size, weight, x = EDGE_PX, anchor = 'start', fill = INK.strong }: Line): string {
  const font = `font-family="${FONT.replaceAll('"', "'")}" font-size="${size}" font-weight="${weight}"`
  return `<text x="${x}" y="${y}" ${font} fill="${fill}" text-anchor="${anchor}">${text}</text>`
}

export async function captionedPng(
  address: string,
  width: number,
  height: number,
  ratio: number,
  { title, foot, marked }: Caption,
): Promise<Blob> {
  const picture = new Image()
  picture.src = address
  await picture.decode()
  const whole = height + HEAD_PX + FOOT_PX
  const canvas = Object.assign(document.createElement('canvas'), { width: width * ratio, height: whole * ratio })
  const pen = canvas.getContext('2d') as CanvasRenderingContext2D
  pen.scale(ratio, ratio)
  pen.fillStyle = '#fff'
  pen.fillRect(0, 0, width, whole)
  pen.drawImage(picture, 0, HEAD_PX, width, height)
  const measure = (text: string): number => pen.measureText(text).width
  let room = width - 2 * EDGE_PX
  if (marked) {
    pen.font = `600 ${SMALL_PX}px ${FONT}`
    pen.fillStyle = MARK_INK
    room -= measure(marked) + EDGE_PX
    pen.fillText(marked, width - EDGE_PX - measure(marked), 26)
  }
  pen.fillStyle = INK.strong
  pen.font = `600 ${TITLE_PX}px ${FONT}`
  pen.fillText(shortened(title, room, measure), EDGE_PX, 26)
  pen.fillStyle = INK.text
  pen.font = `${SMALL_PX}px ${FONT}`
  pen.fillText(shortened(foot, width - 2 * EDGE_PX, measure), EDGE_PX, whole - 10)
  return new Promise((done, failed) =>
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error('no picture'))), 'image/png'),
  )
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
