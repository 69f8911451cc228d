/** A role that takes part in a network from when it joins until it is closed. */
export interface Participant {
  /** Whose identity that is, once it is open. */
  readonly publicKey: Buffer
  /** Opens its folder: identity and all that it keeps. */
  ready(): Promise<void>
  /** Registers with the chain and begins to work. */
  join(): Promise<void>
  close(): Promise<void>
}
