import { backedBytes, retrievalReward, storageReward } from '../ledger/rules/economics.js'
import { feeOf } from '../ledger/rules/fees.js'
import { datdots, size } from '../daemon/setting.js'
import { using } from '../lifecycle.js'
import { DATDOT } from '../protocol/parameters.js'
import { amountText } from './amounts.js'
import { EXIT_OK, optionOf, type Command } from './command.js'
import { configure, givenText, optionsHelp } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf } from './telling.js'

const MONTH_MS = 30 * 86_400_000
const GIB = 2 ** 30
const own = {
  capacity: { shows: 'SIZE', purpose: 'most encoded bytes (default 64GiB)' },
  deposit: { shows: 'N', purpose: 'datdots to stand in with (default 200)' }
}

/** `datdot estimate`: what a pinner may come to on a chain, before it joins. */
export const estimate: Command = {
  help: `Usage: datdot estimate --config FILE, or --data DIR --chain KEY [OPTIONS]

Says what a pinner of this capacity and deposit counts for when copies are drawn, beside the pinners that there are, what its deposit has
to be, what a full disk earns in a month at most, and what it would earn with its share of what is kept now.

${optionsHelp(walletSettings, own)}
Exit codes: 0 done, 1 the chain does not answer, 2 bad input.
`,
  async run(args, io) {
    const given = await configure('estimate', walletSettings, { args, io, own })
    const text = (name: keyof typeof own): string | undefined => givenText(given, name)
    const capacity = optionOf('capacity', size(1), text('capacity')) ?? 64 * GIB
    const deposit = optionOf('deposit', datdots, text('deposit')) ?? 200n * DATDOT
    const tell = tellerOf(io, given.json)
    return using(new Wallet(given.settings, 'estimate'), async ({ member: { chain } }) => {
      const { parameters } = await chain.info()
      const pinners = (await chain.roles()).filter(
        ({ role, state }) => role === 'pinner' && state === 'active'
      )
      const counted = (bytes: number, tokens: bigint): number =>
        Math.min(bytes, Number(backedBytes(tokens, parameters)))
      const others = pinners.reduce((sum, { capacityBytes, usedBytes, deposit: stake, locked }) => {
        return sum + counted(capacityBytes - usedBytes, stake - locked)
      }, 0)
      const weight = counted(capacity, deposit)
      const share = weight / Math.max(1, weight + others)
      const kept = pinners.reduce((sum, { usedBytes }) => sum + usedBytes, 0)
      const epochs = BigInt(Math.max(1, Math.round(MONTH_MS / parameters.epochMs)))
      const month = (bytes: number): bigint =>
        bytes === 0
          ? 0n
          : epochs * (storageReward(bytes, 1, parameters) + retrievalReward(bytes, 1, parameters))
      const expected = Math.min(capacity, Math.floor(kept * share))
      const body = { role: 'pinner' as const, capacityBytes: capacity, deposit, payout: null }
      const joiningFee = feeOf({ kind: 'register', body }, parameters)
      const facts = {
        joiningFee,
        pinners: pinners.length,
        sharePpm: Math.round(share * 1e6),
        leastDeposit: parameters.pinnerDepositMin,
        countedBytes: weight,
        fullMonth: month(capacity),
        expectedMonth: month(expected)
      }
      const lines = [
        `beside ${pinners.length} pinners it would be drawn for ${(share * 100).toFixed(1)} % of new copies`,
        `the deposit backs ${(weight / GIB).toFixed(1)} of ${(capacity / GIB).toFixed(1)} GiB; the least is ${amountText(parameters.pinnerDepositMin)} datdots, and every copy locks a part of it; joining burns a fee of ${amountText(joiningFee)}`,
        `full it earns ${amountText(facts.fullMonth)} datdots a month at most, with its share of what is kept now ${amountText(facts.expectedMonth)}`
      ]
      tell('estimate', facts, lines.join('\n'))
      return EXIT_OK
    })
  }
}
