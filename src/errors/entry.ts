/** The class of src/errors.ts that carries a code. A `Finding` is said in a report or a verdict and never thrown. */
export type ErrorClass =
  | 'DatdotError'
  | 'InputError'
  | 'CodecError'
  | 'CryptoError'
  | 'ProofError'
  | 'ForgeryError'
  | 'EngineError'
  | 'ChainError'
  | 'StorageError'
  | 'SwarmError'
  | 'Finding'

/** What the catalogue says of a code. Both sentences are for whoever meets it; docs/errors.md is made of them. */
export interface ErrorEntry {
  readonly class: ErrorClass
  /** What happened. */
  readonly cause: string
  /** What to do about it, and by whom. */
  readonly remedy: string
}

/** The codes of one area. */
export type ErrorArea = Readonly<Record<string, ErrorEntry>>
