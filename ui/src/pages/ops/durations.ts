/** How long something is put aside, as the centre reads it. */
export const LENGTHS = ['30m', '1h', '4h', '12h', '1d', '7d'] as const
export type Length = (typeof LENGTHS)[number]
