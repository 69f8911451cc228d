import type { Clock } from '../clock.js'
import { aliveValue, factorBytes, factorCommitment, isAliveRoot, isProperFactor } from '../crypto/bounty.js'
import { ChainError, DatdotError } from '../errors.js'
import { isWorked } from '../protocol/commitment.js'
import type { BountyView, Receipt } from '../protocol/views.js'
import { pause, turn } from '../wait.js'
import type { ChainClient } from './client.js'

/** Salts that are tried before others get a turn: some ms. */
const TRIES = 2_048
/** How often the chain is asked whether the factor may be shown. */
const ROUND_POLL_MS = 1_000

/** What one who claims with a factor keeps until it is paid: without it the commitment cannot be opened. */
export interface FactorClaim {
  segment: Uint8Array
  /** 256 bytes. */
  factor: Uint8Array
  salt: Uint8Array
}

export interface ClaimPorts {
  chain: ChainClient
  clock: Clock
  randomBytes: (length: number) => Uint8Array
  signal: AbortSignal
}

/** What there is to win. @throws ChainError `BOUNTY_NONE` */
async function bountyOn({ chain, signal }: ClaimPorts, segment: Uint8Array): Promise<BountyView> {
  const view = await chain.bounty(segment, { signal })
  if (!view || (view.locked === 0n && !view.claim)) {
    throw new ChainError('BOUNTY_NONE', 'no segment with this hash has anything locked for it')
  }
  return view
}

/**
 * Finds a salt whose commitment the chain takes: about `2^commitmentBits` hashes, a second by default. To be kept before it is used.
 *
 * @throws ChainError `FACTOR_WRONG`, `BOUNTY_NONE`
 */
export async function prepareClaim(
  ports: ClaimPorts,
  segment: Uint8Array,
  factor: bigint
): Promise<FactorClaim> {
  const { chain, randomBytes, signal } = ports
  const { id, publicKey } = await bountyOn(ports, segment)
  const bytes = factorBytes(factor)
  if (!isProperFactor(publicKey, bytes)) {
    throw new ChainError('FACTOR_WRONG', 'the number does not divide the modulus of this segment')
  }
  const { parameters } = await chain.info({ signal })
  const salt = Buffer.from(randomBytes(32))
  for (let counter = 0; ; counter++) {
    salt.writeUInt32LE(counter % 2 ** 32)
    if (isWorked(factorCommitment(id, chain.publicKey, bytes, salt), parameters.commitmentBits)) {
      return { segment, factor: bytes, salt }
    }
    if (counter % TRIES === TRIES - 1) {
      await turn()
      signal.throwIfAborted()
    }
  }
}

/**
 * Commits to a prepared claim, waits for the rounds that must pass, and shows the factor. May be called again with the same claim
 * after any interruption.
 *
 * @throws ChainError with the chain's code: `BOUNTY_CLAIMED` if somebody was first, `BOUNTY_NONE`, …
 */
export async function claimFactorBounty(
  ports: ClaimPorts,
  { segment, factor, salt }: FactorClaim
): Promise<Receipt> {
  const { chain, clock, signal } = ports
  const { id } = await bountyOn(ports, segment)
  await chain.commitFactor(factorCommitment(id, chain.publicKey, factor, salt)).catch((error: unknown) => {
    if (!isRefusal(error, 'COMMITMENT_KNOWN')) throw error
  })
  for (;;) {
    try {
      return await chain.claimFactor(segment, factor, salt)
    } catch (error) {
      if (!isRefusal(error, 'REVEAL_EARLY')) throw error
    }
    await pause(clock, ROUND_POLL_MS, signal)
    signal.throwIfAborted()
  }
}

/** What a root is asked for: a value of the newest round, which names this client. */
export async function rootWanted(
  ports: ClaimPorts,
  segment: Uint8Array
): Promise<{ round: number; value: Buffer; publicKey: Uint8Array }> {
  const { chain, signal } = ports
  const { id, publicKey } = await bountyOn(ports, segment)
  const { round, beacon } = (await chain.info({ signal })).chain
  return { round, value: aliveValue(id, chain.publicKey, beacon), publicKey }
}

/** Claims with a root of what `rootWanted` gave for that round. @throws ChainError `ROOT_WRONG`, and the chain's */
export async function claimRootBounty(
  ports: ClaimPorts,
  { segment, round, root }: { segment: Uint8Array; round: number; root: Uint8Array }
): Promise<Receipt> {
  const { chain, signal } = ports
  const { id, publicKey } = await bountyOn(ports, segment)
  const beacon = await chain.beaconValue(round, { signal })
  if (beacon && !isAliveRoot(publicKey, aliveValue(id, chain.publicKey, beacon), root)) {
    throw new ChainError('ROOT_WRONG', 'the number is no root of the value of this segment, round and sender')
  }
  return chain.claimRoot(segment, round, root)
}

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof DatdotError && error.code === code
}
