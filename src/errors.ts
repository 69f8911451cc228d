/**
 * Every error that datdot throws on purpose. A `code` is stable: programs may match on it; the message is
 * for people and says what was wrong and, where there is something to do, what to do.
 */
export class DatdotError extends Error {
  /** Stable identifier, such as `CODEC_BODY_HASH`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** What the caller asked for cannot be done as asked: a wrong option, path, key or folder. Exit code 2. */
export class InputError extends DatdotError {}

/** A chunk that does not decode, or does not belong where it was found. */
export class CodecError extends DatdotError {
  /** Index of the chunk in its hypercore, where it is known. */
  readonly index: number | undefined

  constructor(code: string, message: string, index?: number) {
    super(code, message)
    this.index = index
  }
}

/** A key that is none, or a private operation whose result does not hold. */
export class CryptoError extends DatdotError {}

/** A Merkle proof or root that does not hold. */
export class ProofError extends DatdotError {}

/** The worker pool could not do a task. */
export class EngineError extends DatdotError {}

/** The chain refuses an operation, or its log or ledger does not hold. */
export class ChainError extends DatdotError {}

/** A pinner's or signer's disk does not hold what it should. */
export class StorageError extends DatdotError {}

/** A peer did not answer, or answered with something that is not the protocol. */
export class SwarmError extends DatdotError {}
