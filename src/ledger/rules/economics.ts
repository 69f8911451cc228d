import { PPM, type Parameters } from '../../protocol/parameters.js'

const GIB = 1n << 30n
const PPM_BIG = BigInt(PPM)

/** Room that a codec may need beyond the plain bytes: a header and a padded last block a chunk, and 1/255. */
const CHUNK_OVERHEAD = 640

/** `floor(a * b / c)` for amounts and sizes. */
export function mulDiv(a: bigint, b: bigint | number, c: bigint | number): bigint {
  return (a * BigInt(b)) / BigInt(c)
}

/** Most encoded bytes that `chunks` chunks of together `bytes` plain bytes may have; what a draw sets aside. */
export function encodedBytesMax(bytes: number, chunks: number): number {
  return bytes + Math.ceil(bytes / 200) + chunks * CHUNK_OVERHEAD
}

/** Bytes that a copy is paid for: its encoded bytes, small ones rounded up. */
export function billedBytes(bytes: number, p: Parameters): bigint {
  return BigInt(Math.max(bytes, p.minBilledBytes))
}

/** Y of a storage challenge: `floor(y * billed bytes * epochs / GiB)`, epochs since the last settled one, capped. */
export function storageReward(bytes: number, epochs: number, p: Parameters): bigint {
  return (p.storageRewardPerGiBEpoch * billedBytes(bytes, p) * cappedEpochs(epochs, p)) / GIB
}

/** Y of a retrieval check, by the same formula with its own y. */
export function retrievalReward(bytes: number, epochs: number, p: Parameters): bigint {
  return (p.retrievalRewardPerGiBEpoch * billedBytes(bytes, p) * cappedEpochs(epochs, p)) / GIB
}

function cappedEpochs(epochs: number, p: Parameters): bigint {
  return BigInt(Math.max(0, Math.min(epochs, p.rewardEpochsMax)))
}

/** `floor(Y * R)`, R in parts per million. */
export function paidFor(reward: bigint, reputationPpm: number): bigint {
  return mulDiv(reward, reputationPpm, PPM_BIG)
}

/**
 * What a round of all that is due on copies of these sizes comes to at most: for each Y of storage and of retrieval, from one challenge
 * to the next, at R = 1, Z, and what a challenge and a check burn.
 */
export function roundDue(copies: readonly number[], every: number, p: Parameters): bigint {
  return copies.reduce(
    (sum, bytes) =>
      sum +
      storageReward(bytes, every, p) +
      retrievalReward(bytes, every, p) +
      p.checkReward +
      2n * p.challengeFee,
    0n
  )
}

/** X for encoding a segment of about `bytes` encoded bytes. */
export function segmentReward(bytes: number, p: Parameters): bigint {
  return p.segmentRewardBase + (p.segmentRewardPerGiB * BigInt(bytes)) / GIB
}

/** What a hypercore pays for a segment: X, and what is burned for all that is owed because of it. */
export function segmentPrice(bytes: number, p: Parameters): bigint {
  return segmentReward(bytes, p) + p.segmentFee
}

/** What of a donation is burned at once; rounded up, so that no split of a donation burns less. */
export function donationBurn(amount: bigint, p: Parameters): bigint {
  return (amount * BigInt(p.donationBurnPpm) + PPM_BIG - 1n) / PPM_BIG
}

/**
 * D for one copy: `sigma * m * Y`, Y what it can earn between two challenges, plus the price of encoding it
 * again. Dropping the data saves at most Y for each of the m failures before the copy is lost; what is locked is sigma times
 * that. Where a cheat is found with probability p a challenge, sigma must be at least 1/p.
 */
export function copyLock(bytes: number, every: number, p: Parameters): bigint {
  const reward = storageReward(bytes, every, p) + retrievalReward(bytes, every, p)
  return BigInt(p.depositSigma * p.failuresMax) * reward + segmentPrice(bytes, p)
}

/** What a signer locks for a live segment of `seal`: enough to pay a finder and to seal it anew, whatever its size. */
export function signerLock(bytes: number, p: Parameters): bigint {
  const wanted = BigInt(p.lockFactor) * segmentReward(bytes, p)
  return wanted > p.lockMin ? wanted : p.lockMin
}

/** How the lock of a convicted signer is split: a half to the finder, the price of sealing anew to the hypercore, the rest burned. */
export function splitLock(
  lock: bigint,
  price: bigint
): { bounty: bigint; compensation: bigint; burned: bigint } {
  const bounty = lock / 2n
  const compensation = price < lock - bounty ? price : lock - bounty
  return { bounty, compensation, burned: lock - bounty - compensation }
}

/** Bytes that a deposit backs fully in a draw: `floor(deposit * GiB / d)`; any number if d is 0. */
export function backedBytes(deposit: bigint, p: Parameters): bigint {
  return p.depositPerGiB === 0n ? (1n << 53n) - 1n : (deposit * GIB) / p.depositPerGiB
}

/**
 * Copies that a target asks for: the smallest q with `1 - prod(1 - R_i) >= target`, over the pinners that hold
 * copies and, beyond them, pinners of reputation 0.5. At least 1, at most `copiesMax`.
 */
export function copiesFor(targetPpm: number, reputationsPpm: readonly number[], p: Parameters): number {
  let loss = PPM
  let copies = 0
  while (copies < p.copiesMax && (copies === 0 || PPM - loss < targetPpm)) {
    const reputation = reputationsPpm[copies] ?? PPM / 2
    loss = Math.ceil((loss * (PPM - reputation)) / PPM)
    copies++
  }
  return copies
}
