/** The centre's clock, as far as we heard it: a wall computer's own clock may be wrong by hours. */
export class ServerClock {
  #server_ms: number
  #at_ms: number

  /** `at_ms` is monotonic (`performance.now()`), taken when `server_ms` arrived. */
  constructor(server_ms: number, at_ms: number) {
    this.#server_ms = server_ms
    this.#at_ms = at_ms
  }

  set(server_ms: number, at_ms: number): void {
    if (Number.isNaN(server_ms)) return
    this.#server_ms = server_ms
    this.#at_ms = at_ms
  }

  now(at_ms: number): number {
    return this.#server_ms + (at_ms - this.#at_ms)
  }
}
