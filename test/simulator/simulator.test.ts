import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from '../helpers/folder.js'
import { readTable } from './document.js'
import { scenarios } from './scenarios/index.js'
import { headOf } from './table.js'

const program = fileURLToPath(new URL('main.js', import.meta.url))

/** Runs the command in a process of its own: the test runner's hooks would make each promise cost several times as much. */
async function simulate(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args])
  return stdout
}

interface Said {
  logHash: string
  stateHash: string
  entries: number
  storage: Record<string, number>
}

test('the same seed gives the same log byte for byte, and another seed another one', async (t) => {
  const folder = temporaryFolder(t)
  const lived = async (name: string, seed: string): Promise<Said> => {
    const file = join(folder, name)
    await simulate('--scenario', 'misfortunes', '--seed', seed, '--days', '0.2', '--json', file)
    return JSON.parse(readFileSync(file, 'utf8')) as Said
  }
  const [one, again, other] = await Promise.all([lived('one', '3'), lived('again', '3'), lived('other', '4')])
  assert.deepEqual(again, one)
  assert.notEqual(other.logHash, one.logHash)
  assert.ok(one.storage.success! > 0)
})

test('what always holds holds after every step of every strategy, and each log replays to its state', async () => {
  // In two processes, for two cores: each seed takes the next strategy.
  const half = scenarios.length >> 1
  const play = (seed: number, seeds: number): Promise<string> =>
    simulate('--scenario', 'each', '--seed', `${seed}`, '--seeds', `${seeds}`, '--days', '0.125')
  const said = (await Promise.all([play(0, half), play(half, scenarios.length - half)])).join('')
  for (const { name } of scenarios)
    assert.match(said, new RegExp(`days of ${name}: \\d+ entries, log [0-9a-f]{64}`))
})

test('the page on security has a row for every strategy, with what it does and what is missing', () => {
  const [head, , ...rows] = readTable().trim().split('\n')
  assert.equal(head, headOf().split('\n')[0])
  const strategies = scenarios.filter(({ name }) => name !== 'honest')
  assert.deepEqual(
    rows.map((row) => row.split(' | ').slice(0, 2).join(' | ')),
    strategies.map(({ name, does }) => `| ${name} | ${does}`)
  )
  for (const [index, { missing = '' }] of strategies.entries()) {
    assert.ok(rows[index]!.endsWith(`| ${missing} |`), `${rows[index]} ends with: ${missing}`)
  }
})
