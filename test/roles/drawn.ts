import type { TestContext } from 'node:test'
import Corestore from 'corestore'
import type { Clock } from '../../src/clock.js'
import type { CodecName } from '../../src/chunk/header.js'
import { blake3 } from '../../src/crypto/hash.js'
import { randomBytes } from '../../src/crypto/keys.js'
import { opened } from '../../src/lifecycle.js'
import { createLogger, type Logger } from '../../src/log.js'
import type { Effect, EffectKind } from '../../src/protocol/effects.js'
import type { MemberOptions } from '../../src/roles/member.js'
import type { Network } from '../../src/swarm/dht.js'
import { SwarmHost, type Attach } from '../../src/swarm/host.js'
import { loadIdentity } from '../../src/swarm/identity.js'
import { testChain, type TestChain } from '../chain/chain.js'
import { drawSegment, type DrawnSegment } from '../chain/pinner.js'
import { temporaryFolder } from '../helpers/folder.js'
import { identity } from '../ledger/network.js'
import type { LogLine } from './process.js'
import { closeAfter } from '../helpers/close-after.js'

/** An author's store follows from it, so two of them can sign different things under one key. */
const PRIMARY_KEY = blake3(Buffer.from('test author'))

/** What a role logs of an error. */
export type Logged = LogLine & { code?: string; error?: { code?: string; message: string } }

export interface Drawn extends DrawnSegment {
  chain: TestChain
  network: Network
  /** What the roles of this test have logged. */
  lines: Logged[]
  log: Logger
}

/** A chain whose time stands still unless the test ticks, and a segment that its `signer` and `pinner` have said yes to. */
export async function drawn(t: TestContext, blocks: Buffer[], codec: CodecName = 'wrap'): Promise<Drawn> {
  const chain = await testChain(t, { names: ['signer', 'pinner'] })
  const segment = await drawSegment(t, chain, blocks, { primaryKey: PRIMARY_KEY, codec })
  const lines: Logged[] = []
  const log = createLogger(
    (line) => lines.push(JSON.parse(line) as Logged),
    () => 0
  )
  return { ...segment, chain, network: { bootstrap: chain.bootstrap, host: '127.0.0.1' }, lines, log }
}

/**
 * Serves the author's hypercore with these blocks in the swarm, under an identity of the chain's accounts.
 *
 * @param attach what else is offered on its connections
 */
export async function serve(
  t: TestContext,
  { network }: Drawn,
  blocks: Buffer[],
  { name = 'author', attach }: { name?: string; attach?: Attach } = {}
): Promise<void> {
  const store = new Corestore(temporaryFolder(t), { primaryKey: PRIMARY_KEY, unsafe: true })
  const core = store.get({ name: 'original' })
  await core.append(blocks)
  const keyPair = identity(name)
  const host = await opened(new SwarmHost({ network, keyPair, store, ...(attach && { attach }) }))
  closeAfter(t, async () => {
    await host.close()
    await store.close()
  })
  await host.announce(core.discoveryKey)
}

/** What the role of an account of the chain is opened with. */
export async function memberOptions(
  t: TestContext,
  { chain, network, log }: Drawn,
  { name, clock }: { name: string; clock: Clock }
): Promise<MemberOptions> {
  const dir = temporaryFolder(t)
  await loadIdentity(dir, () => blake3(Buffer.from(`test ${name}`)))
  return { dir, network, chainKey: chain.network.chain.publicKey, clock, randomBytes, log }
}

/** Waits for a line of the roles' log, while the chain's time stands still. */
export function logged(
  { chain, lines }: Drawn,
  event: string,
  holds: (line: Logged) => boolean = () => true
): Promise<Logged> {
  return chain.until(
    `${event} is logged`,
    () => lines.find((line) => line.event === event && holds(line)),
    false
  )
}

/** The effects of one kind in the chain's log. */
export function effects<K extends EffectKind>({ chain }: Drawn, kind: K): Extract<Effect, { kind: K }>[] {
  const { ledger } = chain.network
  const found: Extract<Effect, { kind: K }>[] = []
  for (let seq = 0; seq < ledger.length(); seq++) {
    for (const effect of ledger.effects(seq)?.effects ?? []) {
      if (effect.kind === kind) found.push(effect as Extract<Effect, { kind: K }>)
    }
  }
  return found
}

/** The same, once there are some; the chain's time stands still. */
export function seen<K extends EffectKind>(of: Drawn, kind: K): Promise<Extract<Effect, { kind: K }>[]> {
  const some = (): Extract<Effect, { kind: K }>[] | false => {
    const found = effects(of, kind)
    return found.length > 0 && found
  }
  return of.chain.until(`somebody or something is ${kind}`, some, false)
}
