import type { MemberOptions, Registration } from './member.js'
import { Pinner } from './pinner/pinner.js'
import { Signer } from './signer/signer.js'
import { Verifier } from './verifier.js'

/** How many of each to start. */
export interface Counts {
  signers: number
  pinners: number
  verifiers: number
}

/** Something that starts with the network and ends with it. */
export interface Participant {
  publicKey: Buffer
  start(): Promise<void>
  close(): Promise<void>
}

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
  /** Of a signer: `SignerOptions.runningRootBytes`. */
  runningRootBytes?: number
}

/** Opens one participant in its folder; it does not know whether others share its process. */
export function openParticipant(role: ParticipantRole, options: ParticipantOptions): Promise<Participant> {
  switch (role) {
    case 'signer':
      return Signer.open(options)
    case 'pinner':
      return Pinner.open(options)
    case 'verifier':
      return Verifier.open(options)
  }
}
