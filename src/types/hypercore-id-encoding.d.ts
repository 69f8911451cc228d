/** The part of hypercore-id-encoding 1 that datdot calls; it ships no types of its own. */
declare module 'hypercore-id-encoding' {
  /** z-base-32 of a 32-byte key. */
  export function encode(key: Uint8Array): string
  /** The key of any form in use: z-base-32, hex, pear:// links. Throws on anything else. */
  export function decode(id: string | Uint8Array): Buffer
  export function normalize(id: string | Uint8Array): string
  export function isValid(id: unknown): boolean
}
