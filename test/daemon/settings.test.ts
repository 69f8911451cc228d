import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as idEncoding from 'hypercore-id-encoding'
import { readGenesis } from '../../src/daemon/genesis.js'
import { initChain, initNode, GENESIS_FILE, NODE_FILE } from '../../src/daemon/init.js'
import { duration, hypercoreKey, publicKey } from '../../src/daemon/setting.js'
import { Settings, settings, type SettingName } from '../../src/daemon/settings.js'
import { InputError } from '../../src/errors.js'
import { fastParameters } from '../../src/local/economy.js'
import { defaultParameters } from '../../src/protocol/parameters.js'
import { temporaryFolder } from '../helpers/folder.js'

function written(t: TestContext, text: string): { file: string; cwd: string } {
  const cwd = temporaryFolder(t)
  writeFileSync(join(cwd, 'node.toml'), text)
  return { file: 'node.toml', cwd }
}

const read = (
  place: { file: string; cwd: string },
  flags: Record<string, string> = {},
  env: NodeJS.ProcessEnv = {}
): Promise<Settings> => Settings.read({ ...place, flags, env })

/** Says which code an error has, and that its message names the place. */
const at =
  (code: string, place: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof InputError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, place)
    return true
  }

test('a flag stands above the environment, that above a table of the file, that above the rest of it', async (t) => {
  const place = written(t, 'memory = "8MiB"\n[pinner]\nmemory = "16MiB"\n[signer]\n')
  const from = async (flags: Record<string, string>, env: NodeJS.ProcessEnv, table: string) => {
    const given = await read(place, flags, env)
    return given.get('memory', given.tables(table)[0])
  }
  assert.equal(await from({ memory: '64MiB' }, { DATDOT_MEMORY: '32MiB' }, 'pinner'), 64 << 20)
  assert.equal(await from({}, { DATDOT_MEMORY: '32MiB' }, 'pinner'), 32 << 20)
  assert.equal(await from({}, {}, 'pinner'), 16 << 20)
  assert.equal(await from({}, {}, 'signer'), 8 << 20)
  assert.equal((await read(place)).get('capacity'), undefined)
})

test('what is wrong in a file is told with its line', async (t) => {
  for (const [text, code, place] of [
    ['chain = "x"\nchain = "y"\n', 'CONFIG_SYNTAX', /node\.toml:2: /],
    ['data = \n', 'CONFIG_SYNTAX', /node\.toml:2: /],
    ['data = { a = 1 }\n', 'CONFIG_SYNTAX', /node\.toml:1: /],
    ['a.b = 1\n', 'CONFIG_SYNTAX', /node\.toml:1: /],
    ['[a.b]\n', 'CONFIG_SYNTAX', /node\.toml:1: /],
    ['port = 1\nprot = 2\n', 'CONFIG_UNKNOWN', /node\.toml:2: there is no setting prot .*port/],
    ['[pinner]\ncapacty = "1GiB"\n', 'CONFIG_UNKNOWN', /node\.toml:2: .*capacty in \[pinner\]/],
    ['\n[pin]\n', 'CONFIG_UNKNOWN', /node\.toml:2: there is no table \[pin\]/],
    ['[[pinner]]\n\n[[pinner]]\n', 'CONFIG_CONFLICT', /node\.toml:3: there are two roles pinner/]
  ] as const) {
    await assert.rejects(read(written(t, text)), at(code, place))
  }
  await assert.rejects(
    read({ file: 'gone.toml', cwd: temporaryFolder(t) }),
    at('CONFIG_UNREADABLE', /gone\.toml/)
  )
})

test('a value that is none names the flag, the variable or the line that it stands in', async (t) => {
  const place = written(t, '\nport = "high"\n')
  const get = async (flags: Record<string, string>, env: NodeJS.ProcessEnv) =>
    (await read(place, flags, env)).get('port')
  await assert.rejects(get({ port: '0' }, {}), at('OPTION_VALUE', /^--port takes a whole number/))
  await assert.rejects(get({}, { DATDOT_PORT: '70000' }), at('OPTION_VALUE', /^DATDOT_PORT takes/))
  await assert.rejects(get({}, {}), at('CONFIG_VALUE', /node\.toml:2: port takes .*"high"/))
})

test('each setting takes what its help shows, and says what it takes', () => {
  const good: Record<SettingName, string> = {
    data: 'somewhere',
    chain: 'a'.repeat(64),
    bootstrap: '127.0.0.1:49737,[::1]:2',
    host: '0.0.0.0',
    port: '49737',
    firewalled: 'no',
    roles: 'pinner,verifier',
    invite: 'code',
    name: 'disk-2',
    capacity: '1.5TiB',
    reserve: '1GiB',
    scrub: '30',
    allow: `${'a'.repeat(64)}, ${'b'.repeat(64)}`,
    deny: 'a'.repeat(64),
    connections: '1000',
    'peer-connections': '2',
    deposit: '0.000001',
    payout: 'b'.repeat(64),
    memory: '64MiB',
    http: '127.0.0.1:9737',
    'log-level': 'warn',
    webhook: 'https://example.org/alerts?key=1',
    grant: '250',
    daily: '5000.5'
  }
  for (const [name, text] of Object.entries(good)) {
    const setting = settings[name as SettingName]
    assert.notEqual(setting.parse(text), undefined, name)
    assert.equal(setting.parse(''), undefined, name)
  }
  assert.equal(settings.deposit.parse('0.000001'), 1n)
  assert.equal(settings.daily.parse('1.0000001'), undefined)
  assert.equal(settings.roles.parse('pinner,pinners'), undefined)
  assert.deepEqual(settings.bootstrap.parse('[::1]:2'), [{ host: '::1', port: 2 }])
})

test('a time has a unit, a length and an end', () => {
  for (const [text, ms] of [
    ['90d', 7_776_000_000],
    ['1.5h', 5_400_000],
    ['30m', 1_800_000],
    ['1s', 1_000]
  ] as const) {
    assert.equal(duration.parse(text), ms)
  }
  for (const text of ['', '90', 'd', '0d', '-1d', '1e3d', '1 d', '9999999999d', '1w']) {
    assert.equal(duration.parse(text), undefined, text)
  }
})

test('the key of a hypercore is read in every form that people paste, that of a chain or wallet in two', () => {
  const key = randomBytes(32)
  const [hex, z32] = [key.toString('hex'), idEncoding.encode(key)]
  const forms = [
    hex,
    hex.toUpperCase(),
    z32,
    `hyper://${z32}/`,
    `pear://${z32}/a/path`,
    `hyper://${hex}`,
    `${z32}+12`
  ]
  for (const form of forms) assert.deepEqual(hypercoreKey.parse(form), key, form)
  assert.throws(() => hypercoreKey.parse('hyper://nothing'), { code: 'KEY_ADDRESS' })
  assert.equal(hypercoreKey.parse('nothing'), undefined)
  assert.throws(() => hypercoreKey.parse(`dat://${hex}`), { code: 'KEY_DAT' })
  assert.deepEqual(publicKey.parse(z32), key)
  assert.equal(publicKey.parse(`hyper://${z32}`), undefined)
})

test('the files that init writes are read back, and are not written over', async (t) => {
  const dir = temporaryFolder(t)
  const chain = { dir, randomBytes, bootstrap: undefined, name: 'a "name"', parameters: fastParameters() }
  const keys = await initChain(chain)
  await assert.rejects(initChain(chain), at('FILE_EXISTS', /genesis\.toml/))
  const genesis = await readGenesis(join(dir, GENESIS_FILE))
  assert.equal(genesis.name, 'a "name"')
  assert.deepEqual(genesis.parameters, fastParameters())
  assert.equal(genesis.allocations.length, 2)
  const node = { dir, randomBytes, bootstrap: '127.0.0.1:1', chain: keys.chain! }
  await initNode({ ...node, roles: ['pinner', 'signer', 'verifier'] })
  const given = await read({ file: NODE_FILE, cwd: dir })
  assert.deepEqual(given.get('bootstrap'), [{ host: '127.0.0.1', port: 1 }])
  assert.equal(given.path('data', 'node'), dir)
  assert.equal(given.get('capacity', given.tables('pinner')[0]), 64 * 2 ** 30)
})

test('a genesis names the line of what is wrong in it', async (t) => {
  const dir = temporaryFolder(t)
  const path = join(dir, 'genesis.toml')
  const top = 'name = "x"\nbeacon = "embedded"\nrounds = 1024\n'
  const key = 'a'.repeat(64)
  for (const [text, code, place] of [
    [`${top}[parameters]\ntickMs = 0.5\n`, 'CONFIG_VALUE', /genesis\.toml:5: tickMs/],
    [`${top}[parameters]\nlambdaPpm = 1000000\n`, 'CONFIG_VALUE', /genesis\.toml:5: lambdaPpm/],
    [`${top}[parameters]\ntick = 1\n`, 'CONFIG_UNKNOWN', /genesis\.toml:5: there is no tick/],
    [`${top}[else]\n`, 'CONFIG_UNKNOWN', /genesis\.toml:4: /],
    [`${top}[[allocation]]\nkey = "${key}"\n`, 'CONFIG_VALUE', /genesis\.toml:4: tokens is missing/],
    [
      'name = "x"\nbeacon = "drand"\nrounds = 1024\n',
      'CONFIG_VALUE',
      /genesis\.toml:2: beacon takes embedded/
    ],
    [
      `${top}[[allocation]]\nkey = "${key}"\ntokens = 1\n[[allocation]]\nkey = "${key}"\ntokens = 2\n`,
      'CONFIG_CONFLICT',
      /genesis\.toml:7: /
    ]
  ] as const) {
    writeFileSync(path, text)
    await assert.rejects(readGenesis(path), at(code, place))
  }
  writeFileSync(path, `${top}[parameters]\nlambdaPpm = 7\npinnerDepositMin = 3\n`)
  const { parameters } = await readGenesis(path)
  assert.deepEqual(parameters, { ...defaultParameters, lambdaPpm: 7, pinnerDepositMin: 3n })
})
