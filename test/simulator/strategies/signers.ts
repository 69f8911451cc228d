import type { AssignmentView } from '../../../src/protocol/views.js'
import { encodeCopy } from '../../chain/pinner.js'
import { spoiled } from '../answering.js'
import type { Party } from '../party.js'
import { Signer } from './signer.js'

/** Says yes and delivers nothing. */
export class Idle extends Signer {
  override async deliver(): Promise<void> {}
}

/** Says that it has delivered, and hands nothing over. */
export class Claiming extends Signer {
  override async deliver(party: Party, assignment: AssignmentView): Promise<void> {
    const { chain, world } = party
    const blocks = await world.fetch(party, assignment.hypercore, assignment.task.end)
    if (!blocks) return
    const { record } = await encodeCopy(await chain.chainId(), assignment, { blocks }, party.keyPair)
    await chain.deliver(assignment.draw, record)
  }
}

/** Delivers one segment on the chain and hands another one over. */
export class Twofold extends Signer {
  override async deliver(party: Party, assignment: AssignmentView): Promise<void> {
    const { chain, world } = party
    const { copy, draw, hypercore, task } = assignment
    const blocks = await world.fetch(party, hypercore, task.end)
    if (!blocks) return
    const held = await encodeCopy(await chain.chainId(), assignment, { blocks }, party.keyPair)
    const other = spoiled(await chain.chainId(), held, party.keyPair)
    // Whole and decodable, so that nothing is wrong with it but that it is not the one that was delivered.
    world.handed.set(`${copy}/${draw}`, held)
    await chain.deliver(draw, other.record)
    await chain.deliver(draw, held.record).catch(() => {})
  }
}

/** Signs a root over chunks of which one is broken. */
export class Spoiling extends Signer {
  override async deliver(party: Party, assignment: AssignmentView): Promise<void> {
    const { chain, world } = party
    const { copy, draw, hypercore, task } = assignment
    const blocks = await world.fetch(party, hypercore, task.end)
    if (!blocks) return
    const held = await encodeCopy(await chain.chainId(), assignment, { blocks }, party.keyPair)
    const bad = spoiled(await chain.chainId(), held, party.keyPair)
    world.handed.set(`${copy}/${draw}`, bad)
    await chain.deliver(draw, bad.record)
  }
}

/** Encodes half of what it should, signs that, and is gone. */
export class Halving extends Signer {
  override async deliver(party: Party, assignment: AssignmentView): Promise<void> {
    const { chain, world } = party
    const { copy, draw, hypercore, task } = assignment
    const blocks = await world.fetch(party, hypercore, task.end)
    if (!blocks) return
    const end = task.start + Math.max(1, (task.end - task.start) >> 1)
    const half = { ...assignment, task: { ...task, end } }
    world.handed.set(
      `${copy}/${draw}`,
      await encodeCopy(await chain.chainId(), half, { blocks }, party.keyPair)
    )
  }
}

/** Says of every hypercore that nobody serves it. */
export class Blaming extends Signer {
  override async deliver({ chain }: Party, { draw }: AssignmentView): Promise<void> {
    await chain.refuse(draw, 'unreachable')
  }
}

/** Encodes other blocks than the author's where it may: its own pinner takes them. */
export class Inventing extends Signer {
  readonly #bad: (index: number) => boolean

  constructor(bad: (index: number) => boolean) {
    super()
    this.#bad = bad
  }

  override async deliver(party: Party, assignment: AssignmentView): Promise<void> {
    const { chain, world } = party
    const { copy, draw, hypercore, task } = assignment
    const blocks = await world.fetch(party, hypercore, task.end)
    if (!blocks) return
    const mixed = blocks.map((block, index) =>
      this.#bad(index) ? Buffer.alloc(block.byteLength, index) : block
    )
    const held = await encodeCopy(await chain.chainId(), assignment, { blocks: mixed }, party.keyPair)
    world.handed.set(`${copy}/${draw}`, held)
    await chain.deliver(draw, held.record)
  }
}

/** Signs for pinners of its own, and declines all others. */
export class PickySigner extends Signer {
  readonly #own: Set<string>

  constructor(own: Set<string>) {
    super()
    this.#own = own
  }

  override async asked(party: Party, assignment: AssignmentView): Promise<boolean> {
    if (this.#own.has(Buffer.from(assignment.pinner).toString('hex'))) return super.asked(party, assignment)
    await party.chain.refuse(assignment.draw, 'busy')
    return false
  }
}
