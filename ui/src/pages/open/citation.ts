/** How a dataset is cited: publisher, year of the change, title, address, licence. */

import { named, speaker, type Language } from '../../lib/i18n'
import type { Dataset, Dictionary } from './protocol'

export function citation(told: Dictionary, dataset: Dataset, origin: string, language: Language): string {
  const year = dataset.changed_at.slice(0, 4)
  const address = `${origin}/open/${dataset.id}.csv`
  const publisher = told.publisher ? named(told.publisher, language) : speaker(language)('open.nobody')
  return `${publisher} (${year}). ${named(dataset.title, language)}. ${address}. ${told.licence.name}.`
}

/** 1234567 → "1,2 MB". */
export function size(bytes: number, language: Language): string {
  const units = ['B', 'kB', 'MB', 'GB']
  let figure = bytes
  let place = 0
  while (figure >= 1000 && place < units.length - 1) {
    figure /= 1000
    place += 1
  }
  return `${figure.toLocaleString(language, { maximumFractionDigits: place ? 1 : 0 })} ${units[place]}`
}
