import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import { createDht } from '../../src/swarm/dht.js'
import { leave } from '../../src/swarm/leave.js'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { DataFolder } from '../../src/roles/data-folder.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { callProgram, runProgram, type Ended, type ProgramOptions } from './program.js'
import { closeAfter } from '../helpers/close-after.js'

const KEY = randomBytes(32).toString('hex')

interface Place {
  root: string
  /** A folder with one file. */
  source: string
  /** Where the program would make its temporary data folder. */
  tmp: string
}

function place(t: TestContext): Place {
  const root = temporaryFolder(t)
  const [source, tmp] = [join(root, 'source'), join(root, 'tmp')]
  mkdirSync(source)
  mkdirSync(tmp)
  writeFileSync(join(source, 'file.txt'), 'something')
  return { root, source, tmp }
}

interface Refusal {
  code: string
  says: RegExp
  /** How it is run: in this process, or as a real one. */
  run?: (t: TestContext, args: string[], options: ProgramOptions) => Promise<Ended>
}

/** Exit code 2, one line with the code, nothing on standard output, nothing running, no data folder. */
async function refused(
  t: TestContext,
  { root, tmp }: Place,
  args: string[],
  { code, says, run = callProgram }: Refusal
): Promise<void> {
  const before = readdirSync(root, { recursive: true }).map(String).sort()
  const ended = await run(t, args, { cwd: root, tmp })
  assert.equal(ended.code, 2, ended.stderr)
  assert.match(ended.stderr, /^datdot: [^\n]+\n$/)
  assert.ok(ended.stderr.endsWith(` [${code}]\n`), ended.stderr)
  assert.match(ended.stderr, says)
  assert.equal(ended.stdout, '')
  assert.equal(ended.left, false, 'a process was left running')
  const after = readdirSync(root, { recursive: true }).map(String).sort()
  assert.deepEqual(after, before, 'something was left behind')
}

test('a PATH that is missing is refused', async (t) => {
  await refused(t, place(t), ['up', 'nowhere'], { code: 'PATH_MISSING', says: /nowhere/, run: runProgram })
})

test('a PATH that cannot be read is refused', async (t) => {
  const at = place(t)
  // Not even root can follow it.
  symlinkSync('circle', join(at.root, 'circle'))
  await refused(t, at, ['up', 'circle'], { code: 'PATH_UNREADABLE', says: /circle/ })
})

test('a PATH without a file or link is refused', async (t) => {
  const at = place(t)
  mkdirSync(join(at.root, 'empty', 'below'), { recursive: true })
  await refused(t, at, ['up', 'empty'], { code: 'PATH_EMPTY', says: /empty/ })
})

test('an address of dat:// is refused with the reason', async (t) => {
  const args = ['up', `dat://${KEY}/index.html`]
  await refused(t, place(t), args, { code: 'KEY_DAT', says: /before hypercore 10/ })
})

test('every command that takes the key of a hypercore names an address of Dat, before it asks anybody', async (t) => {
  const at = place(t)
  const rest = ['--data', join(at.root, 'wallet'), '--chain', KEY]
  for (const [command, ...more] of [['support'], ['donate', '5'], ['status']]) {
    await refused(t, at, [command!, `dat://${KEY}`, ...more, ...rest], {
      code: 'KEY_DAT',
      says: /before hypercore 10/
    })
  }
  for (const args of [
    ['get', `dat://${KEY}`, 'out'],
    ['profile', '--input', `dat://${KEY}`]
  ]) {
    await refused(t, at, args, { code: 'KEY_DAT', says: /before hypercore 10/ })
  }
})

test('a PATH that is a socket is refused', async (t) => {
  const at = place(t)
  const server = createServer().listen(join(at.root, 'socket'))
  await once(server, 'listening')
  closeAfter(t, () => server.close())
  await refused(t, at, ['up', 'socket'], { code: 'PATH_NOT_A_FILE', says: /socket/ })
})

test('a name with a backslash is refused', async (t) => {
  const at = place(t)
  writeFileSync(join(at.source, 'back\\slash'), 'x')
  await refused(t, at, ['up', 'source'], { code: 'PATH_NAME', says: /back/ })
})

test('a name that is not UTF-8 is refused', async (t) => {
  const at = place(t)
  writeFileSync(Buffer.concat([Buffer.from(`${at.source}/bad-`), Buffer.from([0xff, 0xfe])]), 'x')
  await refused(t, at, ['up', 'source'], { code: 'PATH_NAME', says: /bad-/ })
})

test('an option that does not exist is refused', async (t) => {
  await refused(t, place(t), ['up', '--colour', 'source'], {
    code: 'OPTION_UNKNOWN',
    says: /--colour/,
    run: runProgram
  })
})

test('a command that does not exist is refused', async (t) => {
  await refused(t, place(t), ['down'], { code: 'COMMAND_UNKNOWN', says: /"down"/, run: runProgram })
})

test('values that an option cannot take are refused', async (t) => {
  const at = place(t)
  const cases: [string[], RegExp][] = [
    [['--codec', 'rot13'], /wrap or seal|seal or wrap/],
    [['--copies', '0'], /--copies/],
    [['--copies', 'two'], /"two"/],
    [['--epochs', '1.5'], /--epochs/],
    [['--memory', '1k'], /--memory/],
    [['--bootstrap', 'localhost'], /HOST:PORT/],
    [['--bootstrap', '127.0.0.1:70000'], /HOST:PORT/],
    [['--data'], /--data/],
    [['one', 'two'], /one PATH/]
  ]
  for (const [args, says] of cases) {
    await refused(t, at, ['up', ...args], { code: 'OPTION_VALUE', says })
  }
})

test('fewer pinners or signers than copies are refused', async (t) => {
  const at = place(t)
  await refused(t, at, ['up', 'source', '--copies', '5'], { code: 'TOO_FEW_ROLES', says: /5 pinners/ })
  await refused(t, at, ['up', 'source', '--copies', '4'], { code: 'TOO_FEW_ROLES', says: /4 signers/ })
})

test('a data folder that holds other files is refused and kept', async (t) => {
  const at = place(t)
  mkdirSync(join(at.root, 'data'))
  writeFileSync(join(at.root, 'data', 'thesis.txt'), 'x')
  const args = ['up', 'source', '--data', 'data']
  await refused(t, at, args, { code: 'DATA_NOT_EMPTY', says: /thesis\.txt/ })
})

test('a data folder that a running process has is refused', async (t) => {
  const at = place(t)
  const options = { path: join(at.root, 'data'), neededBytes: 0, clock: systemClock }
  const running = await opened(new DataFolder(options))
  closeAfter(t, () => running.close())
  const args = ['up', 'source', '--data', 'data']
  await refused(t, at, args, {
    code: 'DATA_IN_USE',
    says: new RegExp(`process ${process.pid}`),
    run: runProgram
  })
})

test('a data folder of an earlier network is refused and kept', async (t) => {
  const at = place(t)
  const options = { path: join(at.root, 'data'), neededBytes: 0, clock: systemClock }
  await (await opened(new DataFolder(options))).close()
  const args = ['up', 'source', '--data', 'data']
  await refused(t, at, args, { code: 'DATA_HOLDS_NETWORK', says: /earlier network/ })
})

test('a data folder that is a file is refused', async (t) => {
  const at = place(t)
  writeFileSync(join(at.root, 'data'), 'x')
  const args = ['up', 'source', '--data', 'data']
  await refused(t, at, args, { code: 'DATA_NOT_A_FOLDER', says: /data is not a folder/ })
  await refused(t, at, [...args.slice(0, 3), 'data/below'], { code: 'DATA_NOT_A_FOLDER', says: /below/ })
})

test('a data folder that cannot be written is refused', async (t) => {
  const at = place(t)
  // Not even root may create anything there.
  const args = ['up', 'source', '--data', '/proc/self/task/datdot']
  await refused(t, at, args, { code: 'DATA_NOT_WRITABLE', says: /--data/ })
})

test('a KEY without --bootstrap is refused', async (t) => {
  await refused(t, place(t), ['up', KEY], { code: 'BOOTSTRAP_MISSING', says: /--bootstrap/ })
})

test('a KEY that nobody serves is refused', async (t) => {
  const network = await privateDht(t)
  const [node] = network.bootstrap
  const args = ['up', KEY, '--bootstrap', `127.0.0.1:${node!.port}`]
  await refused(t, place(t), args, { code: 'KEY_UNREACHABLE', says: /nobody serves/, run: runProgram })
})

test('a KEY that somebody serves, but that has no blocks, is refused with the reason', async (t) => {
  const network = await privateDht(t)
  const store = new Corestore(temporaryFolder(t))
  const drive = new Hyperdrive(store)
  await drive.ready()
  const swarm = new Hyperswarm({ dht: createDht(network) })
  closeAfter(t, async () => {
    await leave(swarm)
    await store.close()
  })
  swarm.on('connection', (connection) => {
    connection.on('error', () => {})
    store.replicate(connection)
  })
  await swarm.join(drive.discoveryKey).flushed()
  const [node] = network.bootstrap
  const args = ['up', `hyper://${drive.core.id}/`, '--bootstrap', `127.0.0.1:${node!.port}`]
  await refused(t, place(t), args, { code: 'KEY_EMPTY', says: /no blocks yet/ })
})

test('a source that no disk could hold several times is refused before anything is written', async (t) => {
  const at = place(t)
  // Sparse: its size is all that matters.
  truncateSync(join(at.source, 'file.txt'), 2 ** 42)
  await refused(t, at, ['up', 'source'], { code: 'DISK_FULL', says: /are needed/ })
  await refused(t, at, ['up', 'source', '--data', 'data'], { code: 'DISK_FULL', says: /are needed/ })
})

test('a profile of what cannot be measured is refused', async (t) => {
  const at = place(t)
  const cases: [string[], string, RegExp][] = [
    [['--codec', 'rot13'], 'OPTION_VALUE', /wrap or seal|seal or wrap/],
    [['--chunk-size', '100'], 'OPTION_VALUE', /256 bytes/],
    [['--chunk-size', '16MiB'], 'OPTION_VALUE', /at most/],
    [['--duration', '0'], 'OPTION_VALUE', /--duration/],
    [['--input', 'nowhere'], 'PATH_MISSING', /nowhere/],
    [['--input', KEY], 'BOOTSTRAP_MISSING', /--bootstrap/]
  ]
  for (const [args, code, says] of cases) await refused(t, at, ['profile', ...args], { code, says })
})

test('roles are refused without what they need', async (t) => {
  const at = place(t)
  for (const role of ['signer', 'pinner', 'verifier']) {
    const given = ['--data', 'data', '--bootstrap', '127.0.0.1:1']
    await refused(t, at, [role], { code: 'OPTION_MISSING', says: /--chain/ })
    await refused(t, at, [role, ...given, '--chain', 'x'], { code: 'OPTION_VALUE', says: /--chain/ })
  }
})

test('a claim of a bounty that says too little, or two things at once, is refused', async (t) => {
  const at = place(t)
  const to = ['claim-bounty', '--data', 'finder', '--chain', KEY, '--bootstrap', '127.0.0.1:9']
  const segment = ['--segment', KEY]
  await refused(t, at, [...to, '--ask'], { code: 'OPTION_MISSING', says: /--segment/ })
  await refused(t, at, [...to, ...segment], { code: 'OPTION_MISSING', says: /--factor/ })
  await refused(t, at, [...to, ...segment, '--ask', '--factor', 'a'], {
    code: 'OPTION_MISSING',
    says: /one of/
  })
  await refused(t, at, [...to, ...segment, '--root', 'a'], { code: 'OPTION_MISSING', says: /--round/ })
  await refused(t, at, [...to, ...segment, '--factor', 'g'], { code: 'OPTION_VALUE', says: /--factor/ })
  await refused(t, at, [...to, '--segment', 'a', '--ask'], { code: 'OPTION_VALUE', says: /--segment/ })
})
