import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { InputError } from '../errors.js'
import { defaultParameters, type Parameters } from '../protocol/parameters.js'
import { loadIdentity } from '../swarm/identity.js'
import { nodeRoles, purposes, type NodeRole } from './settings.js'

type Random = (length: number) => Buffer

/** Folder of the identity that an operator pays from. */
export const WALLET = 'wallet'
/** Folder of the faucet's identity. */
export const FAUCET = 'faucet'
/** Folder of the chain. */
export const CHAIN = 'chain'
/** Files that `init` writes. */
export const CHAIN_FILE = 'chain.toml'
export const GENESIS_FILE = 'genesis.toml'
export const NODE_FILE = 'node.toml'

/** Tokens that a new chain gives its operator's wallet and its faucet, in datdots. */
const WALLET_TOKENS = 1_000_000n
const FAUCET_TOKENS = 1_000_000n
/** Rounds of the beacon's first onion: a week of ticks at ten seconds; the next onions follow by themselves. */
const ROUNDS = 65_536

export interface InitOptions {
  dir: string
  randomBytes: Random
  /** Written into the file as it was given; the public DHT without it. */
  bootstrap: string | undefined
}

/** Keys in z-base-32 by the folder that holds the secret. */
export type Keys = Record<string, string>

/**
 * Writes configuration, genesis and identities of a new chain.
 *
 * @param parameters other than by default
 * @throws InputError FILE_EXISTS, and as `loadIdentity`
 */
export async function initChain(
  options: InitOptions & { name: string; parameters: Parameters }
): Promise<Keys> {
  const { dir, name, parameters, bootstrap } = options
  const keys = await identities(options, [CHAIN, WALLET, FAUCET])
  await write(dir, GENESIS_FILE, genesisText(name, parameters, keys))
  await write(dir, CHAIN_FILE, chainText(keys[CHAIN]!, bootstrap))
  return keys
}

/**
 * Writes configuration and identities of a node.
 *
 * @throws InputError FILE_EXISTS, and as `loadIdentity`
 */
export async function initNode(
  options: InitOptions & { chain: string; roles: readonly NodeRole[] }
): Promise<Keys> {
  const { dir, chain, roles, bootstrap } = options
  const keys = await identities(options, [...roles, WALLET])
  await write(dir, NODE_FILE, nodeText(chain, roles, bootstrap))
  return keys
}

async function identities({ dir, randomBytes }: InitOptions, names: readonly string[]): Promise<Keys> {
  const keys: Keys = {}
  for (const name of names) {
    const { publicKey } = await loadIdentity(join(dir, name), randomBytes)
    keys[name] = idEncoding.encode(publicKey)
  }
  return keys
}

async function write(dir: string, name: string, text: string): Promise<void> {
  const path = join(dir, name)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await writeFile(path, text, { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new InputError('FILE_EXISTS', `${path} is there already; choose another folder`, { cause: error })
  })
}

function networkText(bootstrap: string | undefined, port: string): string {
  return `# ${purposes.bootstrap}
${bootstrap === undefined ? '# bootstrap = ["192.0.2.1:49737"]' : `bootstrap = ${list(bootstrap)}`}
# ${purposes.host}
# host = "0.0.0.0"
# ${purposes.port}
# port = ${port}
# ${purposes.firewalled}
# firewalled = true
# ${purposes.http}
# http = "127.0.0.1:9737"
# ${purposes['log-level']}
# log-level = "info"
`
}

function chainText(chain: string, bootstrap: string | undefined): string {
  return `# A chain, as \`datdot chain --config ${CHAIN_FILE}\` runs it. Paths are from where this file lies.
# A flag or a variable DATDOT_… of the same name stands above what is written here.

# ${purposes.data}
data = "."
# The key that others reach it by; its secret is in ${CHAIN}/identity.
chain = "${chain}"
${networkText(bootstrap, '49740')}
# Remove this table and nobody gets anything from the faucet.
[faucet]
# ${purposes.grant}
grant = 250
# ${purposes.daily}
daily = 5000
`
}

function genesisText(name: string, parameters: Parameters, keys: Keys): string {
  const changed = Object.entries(parameters).filter(
    ([field, value]) => value !== defaultParameters[field as keyof Parameters]
  )
  return `# What the chain starts from. Read at its first start only: afterwards its ledger has it.
name = ${JSON.stringify(name)}
# The only one so far; its operator knows the values of all rounds in advance.
beacon = "embedded"
rounds = ${ROUNDS}

# Rules other than by default: times in milliseconds, amounts in grains, a millionth of a datdot each.
[parameters]
${changed.map(([field, value]) => `${field} = ${value}\n`).join('')}
# Who has tokens at first. Later ones come from these accounts, or are minted as rewards.
[[allocation]]
for = "the operator's wallet"
key = "${keys[WALLET]}"
tokens = ${WALLET_TOKENS}

[[allocation]]
for = "the faucet"
key = "${keys[FAUCET]}"
tokens = ${FAUCET_TOKENS}
`
}

const roleTexts: Readonly<Record<NodeRole, string>> = {
  pinner: `# Keeps encoded copies and serves them. Another disk: a second [[pinner]] with a name of its own.
[[pinner]]
name = "pinner"
# ${purposes.capacity}
capacity = "64GiB"
# ${purposes.reserve}
reserve = "1GiB"
# ${purposes.scrub}
# scrub = 7
# ${purposes.deny}
# deny = ["KEY"]
# ${purposes.connections}
# connections = 256
# ${purposes.deposit}
deposit = 100
# ${purposes.memory}
memory = "64MiB"
`,
  signer: `# Encodes hypercores for pinners.
[signer]
# ${purposes.capacity}
capacity = "64GiB"
# ${purposes.deposit}
deposit = 100
# ${purposes.memory}
memory = "64MiB"
`,
  verifier: `# Measures what pinners serve.
[verifier]
# ${purposes.deposit}
deposit = 10
`
}

function nodeText(chain: string, roles: readonly NodeRole[], bootstrap: string | undefined): string {
  const tables = nodeRoles.filter((role) => roles.includes(role)).map((role) => roleTexts[role])
  return `# Roles of one operator, as \`datdot node --config ${NODE_FILE}\` runs them. Paths are from where this file lies.
# A flag or a variable DATDOT_… of the same name stands above what is written here.

# ${purposes.data}
data = "."
# ${purposes.chain}
chain = "${chain}"
${networkText(bootstrap, '49741')}# ${purposes.invite}
# invite = ""
# ${purposes.webhook}
# webhook = "https://example.org/alerts"

${tables.join('\n')}`
}

function list(addresses: string): string {
  return JSON.stringify(addresses.split(',').map((one) => one.trim()))
}
