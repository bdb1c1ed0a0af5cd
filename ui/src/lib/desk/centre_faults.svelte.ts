/** Faults of the centre itself, for every page; fetched now and then. */

import type { CodedFault } from '../i18n/messages'
import { ask } from '../api/request'

const EVERY_MS = 15_000

export class CentreState {
  /** They keep the centre from its work. */
  faults = $state.raw<readonly CodedFault[]>([])
  /** A person has to mend them, but all goes on. */
  notices = $state.raw<readonly CodedFault[]>([])

  /** Returns what ends it. A centre that does not answer leaves what was known. */
  start(): () => void {
    const controller = new AbortController()
    const load = async (): Promise<void> => {
      try {
        const { faults, notices } = await ask<{ faults: CodedFault[]; notices: CodedFault[] }>(
          '/api/v1/status',
          controller.signal,
        )
        this.faults = faults.filter(({ code }) => code !== 'starting')
        this.notices = notices
      } catch {
        // the page says by itself that the centre does not answer, or that nobody may look
      }
    }
    void load()
    const timer = setInterval(() => void load(), EVERY_MS)
    return () => {
      clearInterval(timer)
      controller.abort()
    }
  }
}
