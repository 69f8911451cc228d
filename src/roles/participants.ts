import type { MemberOptions, Registration } from './member.js'
import type { Participant } from './participant.js'
import { Pinner, type PinnerOptions } from './pinner/pinner.js'
import { RestartingRole } from './restarting-role.js'
import { Signer } from './signer/signer.js'
import { Verifier } from './verifier.js'

/** How many of each to start. */
export interface Counts {
  signers: number
  pinners: number
  verifiers: number
}

export type { Participant }

export type ParticipantRole = 'signer' | 'pinner' | 'verifier'

/** `signer-1`, `pinner-1`, …: names of the participants and of their folders. */
export function participantNames({
  signers,
  pinners,
  verifiers
}: Counts): { name: string; role: ParticipantRole }[] {
  const named = (role: ParticipantRole, count: number): { name: string; role: ParticipantRole }[] =>
    Array.from({ length: count }, (_, i) => ({ name: `${role}-${i + 1}`, role }))
  return [...named('signer', signers), ...named('pinner', pinners), ...named('verifier', verifiers)]
}

export interface ParticipantOptions extends MemberOptions {
  registration: Registration
  memoryBytes: number
  threads: number
  /** Of a pinner. */
  scrubEveryMs?: PinnerOptions['scrubEveryMs']
  choice?: PinnerOptions['choice']
  connections?: PinnerOptions['connections']
  /** Of a pinner: `PinnerOptions.reserveBytes`. */
  reserveBytes?: number | undefined
  /** Of a pinner. */
  observe?: PinnerOptions['observe']
  /** Of a signer: `SignerOptions.runningRootBytes`. */
  runningRootBytes?: number
  /** Of a pinner: `PinnerOptions.replacedKeptMs`. */
  replacedKeptMs?: number
  /** Of a pinner: `PinnerOptions.searchCurves`, `PinnerOptions.searchShare`. */
  searchCurves?: number
  searchShare?: number
  /** Of a pinner: `PinnerOptions.tailBytes`. */
  tailBytes?: number
  /** Of a signer: `SignerOptions.unservedMs`. */
  unservedMs?: number
  /** Of a pinner: `PinnerOptions.searchAfterMs`. */
  searchAfterMs?: number
}

/** One participant, not open yet; it does not know whether others share its process. */
export function participantOf(role: ParticipantRole, options: ParticipantOptions): Participant {
  switch (role) {
    case 'signer':
      return new Signer(options)
    case 'pinner':
      return new RestartingRole(options, (changed, broken) => new Pinner({ ...options, ...changed, broken }))
    case 'verifier':
      return new Verifier(options)
  }
}
