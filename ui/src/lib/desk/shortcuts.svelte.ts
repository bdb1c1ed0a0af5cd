/** Shortcuts of one letter. They can be turned off (WCAG 2.1.4), and never take a letter that is being typed. */

const STORED = 'ioc.keys'

class Keys {
  on = $state(localStorage.getItem(STORED) !== 'off')

  turn(): void {
    this.on = !this.on
    localStorage.setItem(STORED, this.on ? 'on' : 'off')
  }
}

export const keys = new Keys()

/** The action of a key press, if there is one and it is free for us. */
export function pressed(event: KeyboardEvent, actions: Record<string, () => void>): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  const [target] = event.composedPath() // the editor of the lab lives in a shadow root
  const typing = target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]')
  // A field of search is left by the second Escape; the first empties it.
  if (typing && event.key === 'Escape' && target.matches('input[type=search]') && !(target as HTMLInputElement).value)
    target.blur()
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key]
  if (!action || typing || !keys.on) return
  event.preventDefault()
  action()
}
