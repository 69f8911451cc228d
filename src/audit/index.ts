/// <reference path="../types/hypercore.d.ts" preserve="true" />
/**
 * `datdot/audit`: replaying a chain's log and working out again all that it says: signatures, hashes, postings, draws,
 * challenges, and every verdict whose evidence is public. A log of nothing does not hold:
 *
 * ```js
 * import { auditLog } from 'datdot/audit'
 *
 * const report = await auditLog([])
 * console.log(report.ok ? `${report.entries} entries hold` : report.failure.code)
 * ```
 *
 * `auditFile` takes the path of a chain's `ledger.db`; `examples/follow-and-audit.js` follows a log over the network.
 *
 * @module
 */
export { auditFile } from './file.js'
export { auditLog } from './replay.js'
export { verifyDraw } from './draw.js'
export type { DrawProof } from './draw.js'
export type {
  AuditFailure,
  AuditOptions,
  AuditReport,
  EvidenceAuditOptions,
  EvidenceReport,
  LoggedVerdict
} from './report.js'
