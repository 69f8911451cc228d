import { problemText } from '../daemon/problems.js'
import type { NetworkResult } from '../local/up.js'
import { printable } from './printable.js'

const GRAINS = 1_000_000n

/** The result as `--json` prints it: one line, these fields and no others. */
export function summaryJson(result: NetworkResult): string {
  const { ok, driveKey, chainKey, copies, challenges, tokens, consumer, dataDir, bootstrap, problems } =
    result
  return JSON.stringify({
    ok,
    driveKey,
    chainKey,
    copies: copies.map(({ hypercore, pinner, signer, codec, chunks, bytes, root }) => ({
      hypercore,
      pinner,
      signer,
      codec,
      chunks,
      bytes,
      root
    })),
    challenges,
    tokens: {
      minted: tokens.minted.toString(),
      burned: tokens.burned.toString(),
      sum: tokens.sum.toString()
    },
    consumer: {
      files: consumer.files,
      bytes: consumer.bytes,
      identical: consumer.identical,
      mbPerSecond: consumer.mbPerSecond
    },
    dataDir,
    bootstrap,
    problems
  })
}

/** The result for people. */
export function summaryText(result: NetworkResult): string {
  const { copies, challenges, tokens, reputations, consumer } = result
  const { storage, retrieval } = challenges
  const lines = [
    '',
    `drive      ${result.driveKey}`,
    `chain      ${result.chainKey}`,
    '',
    ...table(
      ['hypercore', 'pinner', 'signer', 'codec', 'chunks', 'bytes', 'root'],
      copies.map((copy) => [
        short(copy.hypercore),
        copy.pinnerName,
        copy.signerName,
        copy.codec,
        String(copy.chunks),
        String(copy.bytes),
        short(copy.root)
      ])
    ),
    '',
    `challenges storage ${storage.passed} passed, ${storage.failed} failed; ` +
      `retrieval ${retrieval.passed} passed, ${retrieval.failed} failed`,
    `tokens     ${datdots(tokens.minted)} minted, ${datdots(tokens.burned)} burned; all accounts sum to ${tokens.sum}`,
    '',
    ...table(
      ['role', 'key', 'storage R', 'retrieval R', 'balance'],
      reputations.map(({ name, key, storage, retrieval, balance }) => [
        name,
        short(key),
        storage?.toFixed(3) ?? '',
        retrieval?.toFixed(3) ?? '',
        datdots(balance)
      ])
    ),
    '',
    `consumer   ${consumer.files} files, ${consumer.bytes} bytes, ${consumer.mbPerSecond.toFixed(1)} MB/s, ` +
      (consumer.identical ? 'identical' : 'NOT IDENTICAL'),
    `data       ${result.dataDir}`,
    ...result.problems.map((problem) => `problem    ${printable(problemText(problem, nameIn(result)))}`),
    result.ok ? 'All of it held.' : 'Not all of it held.',
    ''
  ]
  return lines.join('\n')
}

/** Participants by their names, everything else by its key. */
function nameIn({ reputations }: NetworkResult): (key: string) => string {
  const names = new Map(reputations.map(({ key, name }) => [key, name]))
  return (key) => names.get(key) ?? key
}

function datdots(grains: bigint): string {
  const sign = grains < 0n ? '-' : ''
  const absolute = grains < 0n ? -grains : grains
  return `${sign}${absolute / GRAINS}.${(absolute % GRAINS).toString().padStart(6, '0')}`
}

function short(key: string): string {
  return key.length > 12 ? `${key.slice(0, 10)}…` : key
}

function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length))
  )
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  )
}
