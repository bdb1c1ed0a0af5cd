/** Durations that forms offer for silences and for shelving. */
export const DURATIONS = ['30m', '1h', '4h', '12h', '1d', '7d'] as const
export type Duration = (typeof DURATIONS)[number]
