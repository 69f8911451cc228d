/**
 * `datdot/protocol`: what is signed, published and checked: operations, log entries, receipts, segments, and the evidence
 * of answered challenges. Signing an operation, and checking it as anybody can who has its bytes:
 *
 * ```js
 * import { keyPairFromSeed, randomBytes } from 'datdot'
 * import { decodeOperation, signOperation, verifyOperation } from 'datdot/protocol'
 *
 * const chainId = randomBytes(32)
 * const keyPair = keyPairFromSeed(randomBytes(32))
 * const statement = { kind: 'transfer', body: { to: randomBytes(32), amount: 5_000_000n } }
 * const anchor = { seq: 0, hash: randomBytes(32) } // an entry that the sender saw
 * const wire = signOperation(statement, { chainId, keyPair, nonce: 0, anchor })
 *
 * const operation = decodeOperation(wire)
 * console.log(operation.kind, 'of', wire.byteLength, 'bytes holds:', verifyOperation(chainId, operation))
 * ```
 *
 * @module
 */
export { codecNames } from '../chunk/header.js'
export { MAX_AMOUNT, decode, encode } from './codec.js'
export type { Infer, Type } from './codec.js'

export {
  NO_CHAIN,
  answerDetailType,
  chainIdOf,
  chainKinds,
  decodeDetail,
  decodeOperation,
  detailHash,
  kinds,
  operationHash,
  outcomeNames,
  reportCommitment,
  roleNames,
  signOperation,
  unsignedBytes,
  verifyOperation,
  verifySignatures
} from './operations.js'
export type { Body, Kind, Operation, Outcome, Plan, Report, RoleName, Statement } from './operations.js'

export { anchorAt, anchorType } from './anchor.js'
export type { Anchor } from './anchor.js'
export { originalType, sumsOf } from './original.js'
export type { Original, OriginalSums } from './original.js'

export { decodeEntry, encodeEntry } from './entry.js'
export type { Entry } from './entry.js'
export { effectsType } from './effects.js'
export type { Effect, Effects } from './effects.js'
export {
  entryHash,
  signEvidenceReceipt,
  signReceipt,
  verifyEvidenceReceipt,
  verifyReceipt
} from './receipt.js'
export type { EvidenceReceipt } from './receipt.js'

export { segmentHash, segmentRecordType, signSegment, verifySegment } from './segment.js'
export type { SegmentRecord } from './segment.js'

export { DATDOT, PPM, defaultParameters, parameters, parametersType } from './parameters.js'
export type { Parameters } from './parameters.js'

export type * from './views.js'
