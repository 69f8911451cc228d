import { catalogue, isErrorCode, type CodeOf, type ErrorCode } from './errors/catalogue.js'

export { isErrorCode, type CodeOf, type ErrorCode } from './errors/catalogue.js'

/**
 * Every error that datdot throws on purpose. A `code` is stable: programs may match on it; the message is
 * for people and says what was wrong and, where there is something to do, what to do. src/errors/ has all codes, each
 * with its class, cause and remedy; docs/errors.md is made from it.
 */
export class DatdotError extends Error {
  /** Stable identifier, such as `CODEC_TAG`. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** What the caller asked for cannot be done as asked: a wrong option, path, key or folder. Exit code 2. */
export class InputError extends DatdotError {
  constructor(code: CodeOf<'InputError'>, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** A chunk that does not decode, or does not belong where it was found. */
export class CodecError extends DatdotError {
  declare readonly code: CodeOf<'CodecError'>
  /** Index of the chunk in its hypercore, where it is known. */
  readonly index: number | undefined

  constructor(code: CodeOf<'CodecError'>, message: string, index?: number) {
    super(code, message)
    this.index = index
  }
}

/** A key that is none, or a private operation whose result does not hold. */
export class CryptoError extends DatdotError {
  constructor(code: CodeOf<'CryptoError'>, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** A proof, or evidence, that does not hold. */
export class ProofError extends DatdotError {
  declare readonly code: CodeOf<'ProofError' | 'ForgeryError'>

  constructor(code: CodeOf<'ProofError' | 'ForgeryError'>, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** Well-formed bytes that are not those that a root, a tree or a state was made of: whoever signed that has lied. */
export class ForgeryError extends ProofError {
  constructor(code: CodeOf<'ForgeryError'>, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** The worker pool could not do a task. */
export class EngineError extends DatdotError {
  declare readonly code: CodeOf<'EngineError'>

  constructor(code: CodeOf<'EngineError'>, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** The chain refuses an operation, or its log or ledger does not hold. */
export class ChainError extends DatdotError {
  constructor(code: CodeOf<'ChainError'>, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** A disk does not hold what it should, or cannot be used: a pinner's, a signer's, or the chain's with its ledger. */
export class StorageError extends DatdotError {
  constructor(code: CodeOf<'StorageError'>, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** A peer did not answer, or answered with something that is not the protocol. */
export class SwarmError extends DatdotError {
  constructor(code: CodeOf<'SwarmError'>, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** What a peer may say, in characters; more is cut off. */
const PEER_CODE_CHARS = 64
const PEER_MESSAGE_CHARS = 1024

/** An error that a peer answered with. The code is the peer's, and may be of any class that peers tell of; so is the message. */
export class PeerError extends SwarmError {
  /** What was said, where it is a code that is not known here and `code` is `PEER_CODE`. */
  readonly said: { code: string; message: string } | undefined

  /** @param code and `message` are what came over the wire, and are not trusted */
  constructor(code: string, message: string) {
    const words = message.slice(0, PEER_MESSAGE_CHARS)
    if (isPeerCode(code)) {
      super(code as CodeOf<'SwarmError'>, words)
      this.said = undefined
    } else {
      const name = code.slice(0, PEER_CODE_CHARS)
      super('PEER_CODE', `The other side says ${JSON.stringify(name)}: ${words}`)
      this.said = { code: name, message: words }
    }
  }
}

/** Classes that others tell of. What is wrong with their disk, threads or options is their own business. */
const PEER_CLASSES: ReadonlySet<string> = new Set([
  'ChainError',
  'CodecError',
  'ProofError',
  'ForgeryError',
  'SwarmError'
])

/** What a store finds wrong with what the other side sent. */
const OF_THE_SEGMENT: ReadonlySet<ErrorCode> = new Set([
  'STORAGE_SPEC',
  'STORAGE_MANIFEST',
  'STORAGE_TREE_MISMATCH',
  'STORAGE_SIGNATURE'
])

/** Whether a code is one that a peer may answer with. */
function isPeerCode(code: string): code is ErrorCode {
  return isErrorCode(code) && (PEER_CLASSES.has(catalogue[code].class) || OF_THE_SEGMENT.has(code))
}

/** What a peer is told of an error: codes and messages of what it has to do with, and of all else only that it failed. */
export function told(
  error: unknown,
  otherwise: 'RPC_FAILED' | 'SEGMENT_FAILED'
): { code: ErrorCode; message: string } {
  if (error instanceof DatdotError && isPeerCode(error.code)) {
    return { code: error.code, message: error.message }
  }
  // The message of another error may name folders of this machine; what its code means is no secret.
  const why = error instanceof DatdotError ? `: ${catalogue[error.code].cause} [${error.code}]` : ''
  return { code: otherwise, message: `The other side failed for a reason of its own${why}` }
}

/** Why a chain refused an operation, as it says. @returns a ChainError, or a PeerError for a code that is not one's */
export function rejectionOf(code: string, message: string): ChainError | PeerError {
  if (isErrorCode(code) && catalogue[code].class === 'ChainError') {
    return new ChainError(code as CodeOf<'ChainError'>, message.slice(0, PEER_MESSAGE_CHARS))
  }
  return new PeerError(code, message)
}

const classes = {
  DatdotError,
  InputError,
  CodecError,
  CryptoError,
  ProofError,
  ForgeryError,
  EngineError,
  ChainError,
  StorageError,
  SwarmError
}

/** An error of the class that carries its code; for errors that come from another thread as data. */
export function errorOf(code: ErrorCode, message: string, options?: ErrorOptions): DatdotError {
  const name = catalogue[code].class
  // The class is the one that takes this code; the compiler cannot see that.
  const carrier = classes[name === 'Finding' ? 'DatdotError' : name] as typeof DatdotError
  return new carrier(code, message, options)
}
