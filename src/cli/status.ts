import { equal } from '../bytes.js'
import { resolve } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { findKey } from '../daemon/keeping.js'
import { wholeCopies } from '../roles/whole-copies.js'
import { holesProblem, problemText, saidProblem } from '../daemon/problems.js'
import { hypercoreKey, namedKey } from '../daemon/setting.js'
import {
  costPerDay,
  daysLeft,
  lastOutcomes,
  owedBy,
  pausesOf,
  workOf,
  type LastOutcomes
} from '../daemon/standing.js'
import { using } from '../lifecycle.js'
import { consume } from '../local/consume.js'
import { problemsOf } from '../ledger/rules/problems.js'
import type { Parameters } from '../protocol/parameters.js'
import type { HypercoreView } from '../protocol/views.js'
import { TemporaryFolder } from '../temporary-folder.js'
import { amountText } from './amounts.js'
import { EXIT_OK, type Command } from './command.js'
import { configure, networkOf, optionsHelp, world } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf, type Teller } from './telling.js'
import { argument } from './tokens.js'

const codes = 'Exit codes: 0 done, 1 the chain does not answer or nobody serves it, 2 bad input.\n'

/** `datdot list`: what a chain has kept. */
export const listCommand: Command = {
  help: `Usage: datdot list --config FILE, or --data DIR --chain KEY [OPTIONS]

Says of every hypercore on the chain how many of its copies are whole, what it has left, and for how many days.

${optionsHelp(walletSettings)}
${codes}`,
  async run(args, io) {
    const { settings, json } = await configure('list', walletSettings, { args, io })
    const tell = tellerOf(io, json)
    return using(new Wallet(settings, 'list'), async ({ member }) => {
      const { parameters } = await member.chain.info()
      for (const view of await member.chain.hypercores()) tellHypercore(tell, view, parameters)
      return EXIT_OK
    })
  }
}

/** `datdot status`: how a chain, or one hypercore, is doing. */
export const status: Command = {
  help: `Usage: datdot status [KEY] --config FILE, or --data DIR --chain KEY [OPTIONS]

Says how the chain is doing, or who holds the copies of the hypercore KEY, how far each is, its last challenge and check with latency and
throughput, and what is still to be encoded, and why.

${optionsHelp(walletSettings)}
${codes}`,
  async run(args, io) {
    const { settings, json, positionals } = await configure('status', walletSettings, {
      args,
      io,
      positionals: 1
    })
    const tell = tellerOf(io, json)
    const [text] = positionals
    const key = text === undefined ? undefined : argument('status', hypercoreKey, text)
    return using(new Wallet(settings, 'status'), async ({ member: { chain } }) => {
      if (key) {
        const view = await chain.hypercore(key)
        if (view) {
          const ids = view.copies.map(({ id }) => id)
          const { parameters } = await chain.info()
          const pauses = await pausesOf(chain, view)
          tellCopies(tell, view, { parameters, last: await lastOutcomes(chain, ids, io.signal), pauses })
        } else {
          const message = 'the chain does not know this hypercore'
          const problem = saidProblem({ code: 'HYPERCORE_UNKNOWN', message, who: key })
          tell('unknown', { key, problems: [problem] }, problemText(problem))
        }
        return EXIT_OK
      }
      const { chain: head } = await chain.info()
      const { hypercores, copies, activeCopies, storage } = await chain.summary()
      const { name, epoch, length } = head
      const passed = storage.success
      const failed = storage.failure + storage.offline + storage.refused + storage.lie
      const facts = { name, epoch, entries: length, hypercores, copies, activeCopies, passed, failed }
      const lines = [
        `chain ${name}, epoch ${epoch}, ${length} entries`,
        `${hypercores} hypercores, ${activeCopies} of ${copies} copies active`,
        `storage challenges: ${passed} passed, ${failed} failed`
      ]
      tell('chain', facts, lines.join('\n'))
      for (const { key: id, role, state, payout } of await chain.roles()) {
        if (!equal(payout, chain.publicKey)) continue
        const name = idEncoding.encode(Buffer.from(id))
        tell('pays', { key: id, role, state }, `the ${role} ${name} (${state}) pays out to this wallet`)
      }
      return EXIT_OK
    })
  }
}

/** `datdot get`: what any reader of the swarm gets. */
export const get: Command = {
  help: `Usage: datdot get KEY OUT --config FILE, or [OPTIONS]

Reads a drive or hypercore from the swarm with a stock client, into the folder OUT/files (of a bare hypercore, one file of all blocks, each behind its length).

${optionsHelp(['bootstrap', 'host', 'firewalled'])}
${codes}`,
  async run(args, io) {
    const names = ['bootstrap', 'host', 'firewalled'] as const
    const { settings, json, positionals } = await configure('get', names, { args, io, positionals: 2 })
    const named = argument('get', namedKey, positionals[0])
    const folder = argument(
      'get',
      { shows: 'OUT', takes: 'a folder', parse: (given) => given },
      positionals[1]
    )
    const out = resolve(io.cwd, folder)
    const network = networkOf(settings)
    const tell = tellerOf(io, json)
    return using(new TemporaryFolder('datdot-get-'), async ({ path: dir }) => {
      const { key } = named
      const { kind, hypercores, holes } = await findKey(named, { ...world, network, dir, signal: io.signal })
      for (const [at, one] of hypercores.entries()) {
        const problem = holesProblem(one, holes[at]!)
        if (problem) tell('problem', { problems: [problem] }, problemText(problem))
      }
      const { files, bytes } = await consume({ network, key, core: kind === 'core', out, signal: io.signal })
      tell('read', { kind, files, bytes }, `${files} files, ${bytes} bytes in ${out}`)
      return EXIT_OK
    })
  }
}

function tellHypercore(tell: Teller, view: HypercoreView, p: Parameters): void {
  const { key, state, balance, length, byteLength, wanted } = view
  const whole = wholeCopies(view)
  const { fork, waits: next, conflict } = view
  const problems = problemsOf(view, p).map(saidProblem)
  const [day, days] = [costPerDay(view, p), daysLeft(view, p)]
  const { codec, refreshAfterMs: asked } = view.plan
  const refreshAfterMs = codec === 'seal' ? asked || p.lockMs : null
  const lasts =
    days === null ? '' : `, enough for ${days.toFixed(1)} days at ${amountText(day)} a day at most`
  tell(
    'hypercore',
    {
      key,
      state,
      balance,
      fork,
      nextFork: next?.fork ?? null,
      conflict: conflict !== null,
      length,
      byteLength,
      wanted,
      whole,
      costPerDay: day,
      daysLeft: days,
      refreshAfterMs,
      problems
    },
    [
      `${idEncoding.encode(Buffer.from(key))}  ${state}, ${whole} of ${wanted} copies whole, ${byteLength} bytes, ${amountText(balance)} datdots left${lasts}`,
      ...problems.map((problem) => `  problem ${problemText(problem)}`)
    ].join('\n')
  )
}

/** What a copy's score says, in failures. */
function failuresLeft(score: number, { failureForgivenBy, failuresMax }: Parameters): string {
  const failures = score / failureForgivenBy
  return `failures ${Number(failures.toFixed(2))} of the ${failuresMax} that lose it`
}

function tellCopies(
  tell: Teller,
  view: HypercoreView,
  {
    parameters,
    last,
    pauses
  }: {
    parameters: Parameters
    last: ReadonlyMap<number, LastOutcomes>
    pauses: ReadonlyMap<number, { from: number; until: number }>
  }
): void {
  tellHypercore(tell, view, parameters)
  for (const copy of view.copies) {
    const { id, state, pinner, length, bytes, score, task } = copy
    const by = pinner ? `at ${idEncoding.encode(Buffer.from(pinner))}` : 'without a pinner yet'
    const { proof = null, check = null } = last.get(id) ?? {}
    const pause = pauses.get(id) ?? null
    const lines = [
      `  copy ${id} ${state} ${by}: ${length} of ${view.length} chunks, ${failuresLeft(score, parameters)}`,
      proof && `    last challenge ${new Date(proof.at).toISOString()}: ${proof.outcome}`,
      check &&
        `    last check ${new Date(check.at).toISOString()}: ${check.outcome}, first byte after ${(check.firstByteUs / 1000).toFixed(0)} ms, ${(check.bytesPerSecond / 1e6).toFixed(1)} MB/s`,
      owedBy(copy),
      pause &&
        `    its pinner has announced a pause, from chain time ${pause.from} to ${pause.until} ms: it is not asked, nor paid, then`,
      task && `    ${workOf(copy)}`
    ]
    const facts = {
      proof: proof?.outcome,
      provenAt: proof?.at,
      check: check?.outcome,
      firstByteUs: check?.firstByteUs,
      bytesPerSecond: check?.bytesPerSecond
    }
    tell(
      'copy',
      {
        id,
        state,
        pinner,
        length,
        bytes,
        score,
        task: task?.state,
        missedSince: copy.missedSince,
        goneSince: copy.goneSince,
        pauseFrom: pause?.from,
        pauseUntil: pause?.until,
        ...facts
      },
      lines.filter((line) => line !== null).join('\n')
    )
  }
}
