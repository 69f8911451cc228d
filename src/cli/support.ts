import { resolve } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { codecNames, type CodecName } from '../chunk/header.js'
import { findKey, priceOf, topicOf } from '../daemon/keeping.js'
import { wholeCopies } from '../roles/whole-copies.js'
import { LastingProblems, holesProblem, problemText, saidProblem } from '../daemon/problems.js'
import { datdots, duration, hypercoreKey, namedKey, wholeNumber, word } from '../daemon/setting.js'
import type { NamedKey } from '../drive/key.js'
import { scan } from '../drive/scan.js'
import { ChainError, InputError, SwarmError } from '../errors.js'
import { GONE, problemsOf } from '../ledger/rules/problems.js'
import { donationBurn } from '../ledger/rules/economics.js'
import { using } from '../lifecycle.js'
import { DEFAULT_CODEC } from '../local/economy.js'
import { DATDOT, type Parameters } from '../protocol/parameters.js'
import type { Statement } from '../protocol/operations.js'
import type { Original } from '../protocol/original.js'
import { Author } from '../roles/author.js'
import { checkFunds, costOf } from '../roles/fee.js'
import { planOf } from '../roles/plan.js'
import { TemporaryFolder } from '../temporary-folder.js'
import { pause } from '../wait.js'
import { amountText } from './amounts.js'
import { EXIT_INTERRUPTED, EXIT_OK, optionOf, type Command, type CommandIo } from './command.js'
import { configure, givenText, networkOf, optionsHelp, world, type Configured } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf, type Teller } from './telling.js'
import { argument } from './tokens.js'

const own = {
  amount: { shows: 'N', purpose: 'datdots for each hypercore (default 100)' },
  copies: { shows: 'N', purpose: 'encoded copies of each hypercore (default 2)' },
  codec: { shows: codecNames.join('|'), purpose: `how they are encoded (default ${DEFAULT_CODEC})` },
  'refresh-after': {
    shows: 'TIME',
    purpose:
      'of seal: has each segment sealed anew by another signer after so long, such as 30d (default: when the lock of its signer ends, the most)'
  },
  'dry-run': { purpose: 'say what it costs, and do nothing' }
}
const LOOK_MS = 1_000
const DAY_MS = 86_400_000
/** Looks in a row that what is waited for must have the same reason to be told of. */
const LASTING_LOOKS = 5
/** After so long without an answer it is said that the chain is away. */
const AWAY_MS = 30_000
const codes =
  'Exit codes: 0 done, 1 the chain refused it or does not answer, 2 bad input, 130 stopped by Ctrl-C.\n'

/** `datdot support`: has what is in the swarm already kept. */
export const support: Command = {
  help: `Usage: datdot support KEY --config FILE, or --data DIR --chain KEY [OPTIONS]

Registers a hypercore, or all hypercores of a drive, with a plan, and donates to each from the wallet. What is registered
already gets the donation only. Says first what copies cost by the chain's rules.

${optionsHelp(walletSettings, own)}
${codes}`,
  async run(args, io) {
    const given = await configure('support', walletSettings, { args, io, positionals: 1, own })
    const key = argument('support', namedKey, given.positionals[0])
    return using(new Wallet(given.settings, 'support'), async (wallet) => {
      await supportKey(key, wallet, given, { io, tell: tellerOf(io, given.json) })
      return EXIT_OK
    })
  }
}

/** `datdot publish`: an author that goes once others keep what it wrote. */
export const publishCommand: Command = {
  help: `Usage: datdot publish PATH --config FILE, or --data DIR --chain KEY [OPTIONS]

Publishes a folder or file as a Hyperdrive, has it kept like datdot support, seeds it until every copy is whole, and says so: then its author may
leave, and this ends.

${optionsHelp(walletSettings, own)}
${codes}`,
  async run(args, io) {
    const given = await configure('publish', walletSettings, { args, io, positionals: 1, own })
    const path = argument(
      'publish',
      { shows: 'PATH', takes: 'a folder or file', parse: (text) => text },
      given.positionals[0]
    )
    const source = await scan(resolve(io.cwd, path))
    const tell = tellerOf(io, given.json)
    return using(new TemporaryFolder('datdot-publish-'), (folder) =>
      using(
        new Author({ ...networkOf(given.settings), dir: folder.path, randomBytes: world.randomBytes }),
        async (author) => {
          const { driveKey } = await author.publish(source, { signal: io.signal })
          tell('published', { key: driveKey }, `drive ${idEncoding.encode(driveKey)}`)
          return using(new Wallet(given.settings, 'publish'), async (wallet) => {
            const named = { key: driveKey, length: null }
            const hypercores = await supportKey(named, wallet, given, { io, tell })
            if (given.own['dry-run'] === true) return EXIT_OK
            const kept = await untilKept(hypercores, wallet, { io, tell })
            if (!kept) return EXIT_INTERRUPTED
            tell('kept', { key: driveKey }, 'every copy is whole: the author may leave')
            return EXIT_OK
          })
        }
      )
    )
  }
}

/** `datdot donate`: tokens for what is kept. */
export const donateCommand: Command = {
  help: `Usage: datdot donate KEY AMOUNT --config FILE, or --data DIR --chain KEY [OPTIONS]

Donates AMOUNT datdots of the wallet to a hypercore that the chain has. Says first what is burned of them, and for it.

${optionsHelp(walletSettings, { 'dry-run': own['dry-run'] })}
${codes}`,
  async run(args, io) {
    const given = await configure('donate', walletSettings, {
      args,
      io,
      positionals: 2,
      own: { 'dry-run': own['dry-run'] }
    })
    const { settings, positionals, json } = given
    const key = argument('donate', hypercoreKey, positionals[0])
    const amount = argument('donate', datdots, positionals[1])
    return using(new Wallet(settings, 'donate'), async ({ member }) => {
      const { chain } = member
      const tell = tellerOf(io, json)
      const cost = await costOf(chain, [{ kind: 'donate', body: { key, amount } }])
      const { fee } = cost
      const burned = donationBurn(amount, (await chain.info()).parameters)
      const text = `of it ${amountText(burned)} datdots are burned, and a fee of ${amountText(fee)} for it`
      tell('price', { amount, burned, fee }, text)
      await checkFunds(chain, cost)
      if (given.own['dry-run'] === true) return EXIT_OK
      await chain.donate(key, amount)
      tell(
        'donated',
        { key, amount, fee },
        `donated ${amountText(amount)} datdots to ${idEncoding.encode(key)}`
      )
      return EXIT_OK
    })
  }
}

const EMPTY =
  'it has no blocks yet: it is registered, and waits. Run this again once its author has written: if it is a drive, its blobs are found then'

/** Registers what a key needs and donates to it; returns the keys of its hypercores. */
async function supportKey(
  named: NamedKey,
  { supporter, member, dir }: Wallet,
  given: Configured,
  { io, tell }: { io: CommandIo; tell: Teller }
): Promise<Buffer[]> {
  const text = (name: keyof typeof own): string | undefined => givenText(given, name)
  const amount = optionOf('amount', datdots, text('amount')) ?? 100n * DATDOT
  const copies = optionOf('copies', wholeNumber(1, 100), text('copies')) ?? 2
  const codec = optionOf('codec', word(codecNames), text('codec')) ?? DEFAULT_CODEC
  const { key } = named
  const { hypercores, holes } = await findKey(named, {
    ...world,
    network: networkOf(given.settings),
    dir,
    signal: io.signal
  })
  const topic = topicOf(key)
  const { parameters } = await member.chain.info()
  const refreshAfterMs = refreshOf(text('refresh-after'), codec, parameters)
  const plan = { ...planOf(copies, codec, topic), refreshAfterMs }
  const originals: Original[] = []
  /** For each hypercore what is sent of it; that it grew is the last. */
  const wanted: [Statement & { kind: 'sponsor' | 'donate' }, (Statement & { kind: 'extend' })?][] = []
  const paid: Statement[] = []
  for (const one of hypercores) {
    const original = await supporter.inspect(one, topic)
    const known = await member.chain.hypercore(one)
    originals.push(original)
    if (!known || known.state === 'lapsed') {
      wanted.push([{ kind: 'sponsor', body: { key: one, original, plan, donation: amount } }])
    } else {
      const given = { kind: 'donate' as const, body: { key: one, amount } }
      const grown = { kind: 'extend' as const, body: { key: one, original } }
      // A fork is said by pinners, who have both trees.
      const isLonger = original.length > known.length && (known.length === 0 || original.fork === known.fork)
      wanted.push(isLonger ? [given, grown] : [given])
      // Of what is held the hypercore pays for its growth itself.
      if (isLonger && !known.copies.some(({ state }) => state === 'active')) {
        paid.push(grown)
      }
    }
    paid.push(wanted.at(-1)![0])
  }
  for (const [at, one] of hypercores.entries()) {
    const problems = [
      holesProblem(one, holes[at]!),
      originals[at]!.length === 0 ? saidProblem({ code: 'HYPERCORE_EMPTY', message: EMPTY, who: one }) : null
    ].filter((problem) => problem !== null)
    for (const problem of problems) tell('problem', { problems: [problem] }, problemText(problem))
  }
  const { once, month } = priceOf(originals, copies, parameters)
  const cost = await costOf(member.chain, paid)
  const { fee } = cost
  const costs = `${copies} copies cost ${amountText(once)} datdots once, and ${amountText(month)} a month at most; ${amountText(cost.amount)} are donated now, and a fee of ${amountText(fee)} is burned for that`
  tell('price', { copies, once, month, amount: cost.amount, fee }, costs)
  const graceDays = (parameters.graceEpochs * parameters.epochMs) / DAY_MS
  const ends = `when that is used up nothing is deleted for ${Number(graceDays.toFixed(1))} days; then pinners delete their copies, ${GONE}`
  tell('end', { graceMs: parameters.graceEpochs * parameters.epochMs }, ends)
  if (given.own['dry-run'] === true) return hypercores
  await checkFunds(member.chain, cost)
  for (const [at, one] of hypercores.entries()) {
    const [first, grown] = wanted[at]!
    const original = originals[at]!
    await member.chain.submit(first, { signal: io.signal })
    if (grown && !(await supporter.extend(one, original))) {
      const message = 'it has grown: its pinners send that once enough has come, or been paid for it'
      const problem = saidProblem({ code: 'GROWTH_EARLY', message, who: one })
      tell('problem', { problems: [problem] }, problemText(problem))
    }
    tell(
      'supported',
      { key: one, amount },
      `${amountText(amount)} datdots for hypercore ${idEncoding.encode(one)}`
    )
  }
  return hypercores
}

/** After what time segments are to be sealed anew, 0 if it was not said. @throws InputError OPTION_VALUE for what the chain would not take */
function refreshOf(text: string | undefined, codec: CodecName, p: Parameters): number {
  const ms = optionOf('refresh-after', duration, text)
  if (ms === undefined) return 0
  if (codec !== 'seal') {
    throw new InputError(
      'OPTION_VALUE',
      `--refresh-after is for seal: what ${codec} encodes has no key that could be kept`
    )
  }
  const { evidenceWindowMs: least, lockMs: most } = p
  if (ms >= least && ms <= most) return ms
  const days = (value: number): string => `${Number((value / 86_400_000).toFixed(3))}d`
  throw new InputError(
    'OPTION_VALUE',
    `--refresh-after takes ${days(least)} to ${days(most)} on this chain: signers answer for a key no longer; not ${JSON.stringify(text)}`
  )
}

/** Waits until all copies of all of them are whole, and says how far they are; false if it was stopped before. */
async function untilKept(
  hypercores: readonly Buffer[],
  { member: { chain } }: Wallet,
  { io, tell }: { io: CommandIo; tell: Teller }
): Promise<boolean> {
  let before = -1
  const lasting = new LastingProblems(LASTING_LOOKS)
  const { parameters } = await chain.info()
  while (!io.signal.aborted) {
    const asked = Promise.all(
      hypercores.map((key) => chain.hypercore(key, { timeoutMs: AWAY_MS, signal: io.signal }))
    )
    const views = await asked.catch((error: unknown) => {
      if (io.signal.aborted) return null
      // A chain that is away for a while comes back; the author stays until then.
      if (!(error instanceof SwarmError)) throw error
      tell('no-chain', { code: error.code }, 'the chain does not answer; trying again')
      return null
    })
    if (!views) continue
    const wanted = views.reduce((sum, view) => sum + (view?.wanted ?? 0), 0)
    const whole = views.reduce((sum, view) => sum + (view ? wholeCopies(view) : 0), 0)
    if (whole !== before) tell('copies', { whole, wanted }, `${whole} of ${wanted} copies are whole`)
    before = whole
    if (whole >= wanted) return true
    const problems = views.flatMap((view) => (view ? problemsOf(view, parameters) : [])).map(saidProblem)
    const lost = views.find((view) => view?.state === 'lapsed')
    if (lost) throw new ChainError('HYPERCORE_LAPSED', problems.map((one) => problemText(one)).join('; '))
    for (const problem of lasting.look(problems)) {
      tell('waits', { problems: [problem] }, `waits: ${problemText(problem)}`)
    }
    await pause(world.clock, LOOK_MS, io.signal)
  }
  return false
}
