import { amount, struct, uint, type Infer } from './codec.js'

/** One datdot in grains. */
export const DATDOT = 1_000_000n

/** One in reputations and shares that are kept in fixed point. */
export const PPM = 1_000_000

/** Names, order and bounds of all parameters as genesis and the `parameters` operation carry them. */
export const parametersType = struct({
  tickMs: uint(3_600_000),
  epochMs: uint(31_536_000_000),
  agingRounds: uint(1_000_000),
  drawsPerRound: uint(1_000_000),
  acknowledgeMs: uint(31_536_000_000),
  deliverBaseMs: uint(31_536_000_000),
  deliverBytesPerSecond: uint(),
  redrawsMax: uint(1_000_000),
  donationBurnPpm: uint(PPM),
  segmentRewardBase: amount,
  segmentRewardPerGiB: amount,
  storageRewardPerGiBEpoch: amount,
  retrievalRewardPerGiBEpoch: amount,
  checkReward: amount,
  minBilledBytes: uint(),
  rewardEpochsMax: uint(1_000_000),
  graceEpochs: uint(1_000_000),
  depositSigma: uint(1_000),
  depositPerGiB: amount,
  pinnerDepositMin: amount,
  signerDepositMin: amount,
  verifierDepositMin: amount,
  failedFee: amount,
  failedMs: uint(31_536_000_000),
  declineFee: amount,
  attemptFee: amount,
  unservedMax: uint(1_000),
  lieFactor: uint(1_000),
  failuresMax: uint(1_000),
  failureForgivenBy: uint(1_000_000),
  evidenceWindowMs: uint(31_536_000_000),
  lambdaPpm: uint(999_000),
  failureWeightPpm: uint(PPM),
  offlineWeightPpm: uint(PPM),
  refusedWeightPpm: uint(PPM),
  noNewCopiesPpm: uint(PPM),
  losesCopiesPpm: uint(PPM),
  openMax: uint(1_000),
  walkStepUs: uint(60_000_000),
  roundTripMs: uint(3_600_000),
  evidenceBytesPerSecond: uint(),
  settleGraceMs: uint(31_536_000_000),
  checkVerifiers: uint(16),
  reportRounds: uint(1_000_000),
  revealRounds: uint(1_000_000),
  reportsMin: uint(16),
  maxFirstByteUs: uint(),
  minBytesPerSecond: uint(),
  maxMisses: uint(),
  copiesMax: uint(1_000),
  stepsMax: uint(512),
  hypercoreBytesMax: uint(),
  anchorEntries: uint(),
  anchorMs: uint(31_536_000_000),
  lockFactor: uint(1_000),
  lockMin: amount,
  lockMs: uint(315_360_000_000),
  barMs: uint(315_360_000_000),
  repairMs: uint(31_536_000_000),
  offlineMaxMs: uint(31_536_000_000),
  surplusMs: uint(31_536_000_000),
  massOutageMs: uint(31_536_000_000),
  pauseMs: uint(31_536_000_000),
  commitmentBits: uint(64),
  commitmentRounds: uint(1_000_000),
  revealAfterRounds: uint(1_000_000),
  claimRounds: uint(1_000_000),
  growthBytes: uint(),
  growthMs: uint(31_536_000_000),
  growthSharePpm: uint(PPM),
  openingBytesPerWeek: uint(),
  openingWithinMs: uint(315_360_000_000),
  openingMs: uint(31_536_000_000),
  openingsMissedMax: uint(1_000),
  feePerUnit: amount,
  feePerByte: amount,
  segmentFee: amount,
  challengeFee: amount
})

/** All parameters of a network: fixed in its genesis, changed only by a `parameters` operation of the chain. */
export type Parameters = Infer<typeof parametersType>

/**
 * The default of every parameter, with its reason. Durations in chain time: outages of the chain do not
 * count (chain/time.ts). Amounts in grains.
 */
export const defaultParameters: Readonly<Parameters> = {
  /** How long a round of the beacon is, and how often the chain ticks if anything is due. Ten seconds: coarse enough for an operator's laptop, fine beside an epoch. */
  tickMs: 10_000,
  /** How often challenges are drawn: hourly, so that a lost copy is noticed within a few hours. */
  epochMs: 3_600_000,
  /** A registration takes part in draws after this many rounds, so that nobody joins for one known draw. */
  agingRounds: 6,
  /** Tasks that one round draws; more wait for the next. 256 are some 20 ms of one tick. */
  drawsPerRound: 256,
  /** Time to say yes to a draw. Two minutes survive a restart of a daemon. */
  acknowledgeMs: 120_000,
  /** Time to deliver, and as much again to check and accept, before bytes are counted: connections, proofs. */
  deliverBaseMs: 600_000,
  /** Slowest rate, encoded bytes a second, at which a segment must arrive: 8 Mbit/s, a home uplink. */
  deliverBytesPerSecond: 1_000_000,
  /** After so many failed attempts a task waits for the next epoch: the hypercore is likely unreachable. */
  redrawsMax: 16,
  /** Share of a donation burned at once: donating to one's own pinner to gain reputation costs this. 5 %. */
  donationBurnPpm: 50_000,
  /** X for a segment: a sum for its existence (connections, proofs) and one by bytes. */
  segmentRewardBase: 10_000n,
  segmentRewardPerGiB: 2n * DATDOT,
  /** y, storage: grains for a GiB held over an epoch at R = 1. The unit that other amounts are set against. */
  storageRewardPerGiBEpoch: 200_000n,
  /** y, retrieval: a quarter of storage; serving is paid too, holding is what costs. */
  retrievalRewardPerGiBEpoch: 50_000n,
  /** Z, shared by the verifiers of a check: it pays for some blocks fetched and one report, not for bytes held. */
  checkReward: 300n,
  /** Small copies are billed as 1 MiB: a challenge costs its answerer the same, and rewards stay above 0. */
  minBilledBytes: 1_048_576,
  /** Y counts at most so many epochs since the last settled challenge: a copy unseen for long earns no back pay. */
  rewardEpochsMax: 4_096,
  /** A hypercore whose balance cannot pay keeps its copies for a day, so that supporters can donate. */
  graceEpochs: 24,
  /** sigma: a copy locks sigma * m * Y, twice what dropping its data could save before it is lost. */
  depositSigma: 2,
  /** d: deposit that a GiB of capacity must be backed by to count fully in a draw. */
  depositPerGiB: 1_000_000n,
  /** Least deposits: what a fresh identity costs. A pinner locks more with every copy. */
  pinnerDepositMin: 1_000_000n,
  signerDepositMin: 500_000n,
  verifierDepositMin: 500_000n,
  /** What each side of a delivery pays that came to nothing: 2 % of a signer's least deposit, about X of a small segment. It doubles with each one. */
  failedFee: 10_000n,
  /** … until so long after the last of them. 30 days, as reputations forget. */
  failedMs: 2_592_000_000,
  /** What it costs to say no to a draw, or nothing: more than the log of another draw is worth, less than a tenth of X. */
  declineFee: 500n,
  /** What a hypercore pays, burned, for an attempt that found it nowhere: half of X of a small segment, for the log and the search. */
  attemptFee: 5_000n,
  /** Attempts in a row after which a hypercore without copies is given up: with their pauses some 80 hours, longer than a weekend. */
  unservedMax: 10,
  /** A proven lie burns this many times the copy's lock: it is never an accident of the network. */
  lieFactor: 4,
  /** m: a copy is lost when its score comes to so many failures. One bad hour costs none, however long it was kept well. */
  failuresMax: 3,
  /** … and so many successes take one failure of it. What fails more than once in 51 times is found: 1 % of the bytes missing fails 1 in 12. */
  failureForgivenBy: 50,
  /** W: evidence, and details of answers, stay public this long; deposits are locked as long. 7 days. */
  evidenceWindowMs: 604_800_000,
  /** lambda of beta reputation: what happened about 100 outcomes ago counts a third. */
  lambdaPpm: 990_000,
  /** w of each outcome: a failed answer counts fully, an absence half of it, an honest refusal three quarters. */
  failureWeightPpm: 1_000_000,
  offlineWeightPpm: 500_000,
  refusedWeightPpm: 750_000,
  /** R below which a pinner or signer is drawn no more, and below which a pinner's copies move elsewhere. */
  noNewCopiesPpm: 300_000,
  losesCopiesPpm: 150_000,
  /** Challenges of a pinner that are open at a time: enough to keep a disk busy, so few that the deadline of each stays short. */
  openMax: 4,
  /** Deadline of a walk: per step one random read of a slow disk with its queue (DESIGN 3, the walk). */
  walkStepUs: 25_000,
  /** … plus two round trips of this length to the chain. */
  roundTripMs: 500,
  /** Evidence comes after s_k, at upload speed: 8 Mbit/s. */
  evidenceBytesPerSecond: 1_000_000,
  /** The chain's time to check evidence before a challenge counts as unknown. */
  settleGraceMs: 600_000,
  /** Verifiers of a check: with three, one liar does not move the median. */
  checkVerifiers: 3,
  /** Rounds from an epoch's start in which verifiers fetch and commit; then the beacon that drew them is shown. */
  reportRounds: 240,
  /** Rounds to reveal what was committed. */
  revealRounds: 30,
  /** Reports below which a check has no result. */
  reportsMin: 2,
  /** L: most median time to first byte, 2 s through a hole-punched connection. */
  maxFirstByteUs: 2_000_000,
  /** T: least median throughput, 2 Mbit/s: a video stream. */
  minBytesPerSecond: 250_000,
  /** Blocks asked for and not served that a check forgives. */
  maxMisses: 0,
  /** Most copies of one hypercore. */
  copiesMax: 100,
  /** Most steps of a walk: 512 find a loss of 1 % at p = 99 %. */
  stepsMax: 512,
  /** Largest hypercore: 16 TiB. */
  hypercoreBytesMax: 17_592_186_044_416,
  /** An operation names an entry that its sender saw; it may be this many entries back whatever their age. A million: some 50 MB of hashes. */
  anchorEntries: 1 << 20,
  /** Or this old, however many came since: who was away for a night need not sign again. A day. */
  anchorMs: 86_400_000,
  /** A signer locks so many X for each live segment of `seal`: a half pays the finder, the other seals anew. */
  lockFactor: 2,
  /** … and at least this: half of it is worth showing a factor for, however small the segment is. */
  lockMin: 50_000n,
  /** The lock ends with the segment or after this, so that a signer can leave. 90 days. */
  lockMs: 7_776_000_000,
  /** How long a convicted signer is not drawn: as long as a lock lasts, so that a friend's claim is no way out of it. 90 days. */
  barMs: 7_776_000_000,
  /**
   * How long a copy may be missed before another is made of it, and how long one under a key that is not gone is paid while that is made. Four hours: a reboot, a router and
   * an update take less, and a large copy is sealed in as long.
   */
  repairMs: 14_400_000,
  /** … and how long before it is lost: three days, so that whoever looks after it has a weekend. */
  offlineMaxMs: 259_200_000,
  /** How long a copy that came back is kept beside its substitute, before the worse of the two goes. A week shows which is better. */
  surplusMs: 604_800_000,
  /** How much longer nobody is replaced or lost while over a third of what is held is away: then it is a backbone, or the chain. A day. */
  massOutageMs: 86_400_000,
  /** How long in any 30 days a pinner may be away as it said before, for its pay alone. Twelve hours: a night in which a disk is copied to a larger one. It is proven 1.7 % less by that. */
  pauseMs: 43_200_000,
  /** Zero bits that a commitment to a factor begins with: 2^20 hashes, a second of a core, which is what a finder without money pays. */
  commitmentBits: 20,
  /** A factor is shown within so many rounds, or its commitment is forgotten. A day. */
  commitmentRounds: 8_640,
  /** … and not before so many have gone by: whoever sees it shown cannot have committed to it earlier. */
  revealAfterRounds: 2,
  /** How long older commitments to the same segment may still be shown, before it is paid: ten minutes. */
  claimRounds: 60,
  /** A growth of so many bytes is taken at once: X by bytes outweighs X by segments from 5 MiB on, and nothing that large is lost with its author. */
  growthBytes: 16_777_216,
  /** Smaller ones are gathered for so long at least. Ten minutes: who writes now and then is pinned soon after. */
  growthMs: 600_000,
  /**
   * … and until this share of what is due on the copies meanwhile pays for the segments. All of it: that growth comes in pieces costs no more than holding, so that
   * what was given lasts at least half as long as without; a tenth would have 1 MiB grow once in 7.3 days, all of it every 17.6 hours, a GiB every ten minutes.
   */
  growthSharePpm: 1_000_000,
  /** What the openings of a copy weigh in a week: 512 KiB, an eighth of all of its public evidence; eight chunks of 64 KiB. */
  openingBytesPerWeek: 524_288,
  /** … but one is asked for every so often whatever it weighs, so that no block is too long to be held to. 90 days. */
  openingWithinMs: 7_776_000_000,
  /** Time for an opening once its pinner has answered something: ten minutes, for a chunk that takes 16 seconds at 8 Mbit/s. It hinders no fetching, which it need not. */
  openingMs: 600_000,
  /** An opening that does not come so often, each time while its pinner is there, is a lie: who has the chunk shows it. */
  openingsMissedMax: 2,
  /** What an operation that nobody asked for burns for a cost unit, some 50 µs of every ledger: a core that is kept busy for an hour comes to 720 datdots. */
  feePerUnit: 10n,
  /** … and for a byte of the log, which is for ever: what a pinner is paid for holding it half a year. A transfer comes to some 200 grains. */
  feePerByte: 1n,
  /** What a segment burns beside X for what is owed because of it, and so free: two acknowledgements, a delivery, an acceptance, and what they do: some 2,500 bytes. */
  segmentFee: 2_500n,
  /** What a challenge or a check burns for what it leaves in the log, some 100 bytes. Its evidence, 20 KB for a week, weighs less than a grain beside that. */
  challengeFee: 100n
}

/**
 * Steps of a walk unless the plan says otherwise. A copy is asked once in each slot, an hour, so that any 6 hours hold 5 whole slots: 45 steps find
 * 10 % missing with p = 99 %, and the 71 slots of 3 days 1 % with 99.8 %. More would not fit into 4 MB a week.
 */
export const DEFAULT_STEPS = 9

/** The defaults with some replaced; what genesis takes. */
export function parameters(changes: Partial<Parameters> = {}): Parameters {
  return { ...defaultParameters, ...changes }
}
