import { hash } from '../../src/crypto/hash.js'
import { evidenceOf } from '../../src/client/upload.js'
import type { Report } from '../../src/protocol/operations.js'
import { walked } from '../evidence/slice-copy.js'
import { encodeCopy, type HeldCopy, type TestOriginal } from './pinner.js'
import type { Party } from './virtual-network.js'

/** Copies by task and draw: what a signer sends to its pinner beside the chain. */
export type HandedOver = Map<string, HeldCopy>

/** Encodes what it is drawn for, and delivers it. */
export function signing({ chain, keyPair, work }: Party, original: TestOriginal, handed: HandedOver): void {
  work.follow(['drawn', 'acknowledged', 'redraw', 'accepted'], async () => {
    for (const assignment of await chain.assignments()) {
      if (assignment.role !== 'signer') continue
      const { draw, acknowledge, task } = assignment
      const name = `${assignment.copy}/${draw}`
      if (acknowledge) await chain.acknowledge(draw)
      else if (task.state === 'delivering' && !handed.has(name)) {
        const copy = await encodeCopy(await chain.chainId(), assignment, original, keyPair)
        handed.set(name, copy)
        await chain.deliver(draw, copy.record)
      }
    }
  })
}

/** Takes copies, and answers challenges with their real evidence, while it is not away: it says whether copies count on it. */
export function pinning(
  { chain, keyPair, work }: Party,
  handed: HandedOver,
  away: (holds: () => Promise<boolean>) => Promise<boolean>
): void {
  const held = new Map<number, HeldCopy>()
  // What is lost is still in `held`, but nothing is locked for it.
  const holds = async (): Promise<boolean> => {
    const { roles } = await chain.account(keyPair.publicKey)
    return roles.some(({ locked }) => locked > 0n)
  }
  const sent = new Set<number>()
  const wakers = ['drawn', 'redraw', 'delivered', 'late', 'challenged', 'answered'] as const
  work.follow(wakers, async () => {
    if (await away(holds)) return
    for (const { draw } of await chain.asks()) await chain.acknowledge(draw)
    for (const { role, draw, copy, task } of await chain.assignments()) {
      if (role !== 'pinner') continue
      const offered = handed.get(`${copy}/${draw}`)
      if (task.state === 'delivered' && offered) {
        await chain.accept(draw, offered.record, offered.signerSignature)
        held.set(copy, offered)
      }
    }
    for (const challenge of (await chain.challenges(256)).filter(({ state }) => state === 'open')) {
      const { lastState, hash } = await walked(held.get(challenge.copy)!.reader, challenge)
      await chain.answer([{ challenge: challenge.id, state: lastState, evidence: hash }])
    }
    for (const challenge of await chain.evidenceDue()) {
      if (sent.has(challenge.id)) continue
      const { reader } = held.get(challenge.copy)!
      const { evidence, hash } = await walked(reader, challenge)
      await chain.sendEvidence(challenge.id, evidenceOf(evidence, hash))
      sent.add(challenge.id)
    }
  })
}

/** Reports that all is served well: first the commitment, then, when it is time, the reports. */
export function verifying({ chain, keyPair, work }: Party): void {
  const made = new Map<number, { reports: Report[]; salt: Buffer }>()
  work.follow(['tick'], async () => {
    const { round } = (await chain.info()).chain
    for (const { epoch, closeRound, settleRound } of await chain.checkEpochs()) {
      const known = made.get(epoch)
      if (!known && round < closeRound) {
        const checks = await chain.checks(epoch, 1024)
        if (checks.length === 0) continue
        const reports = checks.map(({ copy }) => {
          return { copy, firstByteUs: 20_000, bytesPerSecond: 5_000_000, misses: 0, blocks: 8, bytes: 8_000 }
        })
        const salt = hash('test/salt', keyPair.publicKey, epoch)
        await chain.commitReport(epoch, reports, salt)
        made.set(epoch, { reports, salt })
      } else if (known && round >= closeRound && round < settleRound) {
        made.delete(epoch)
        await chain.revealReport(epoch, known.reports, known.salt)
      }
    }
  })
}
