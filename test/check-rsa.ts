// Compares all paths of the RSA core on many blocks: npm run check:rsa -- [--blocks 100000] [--seed WORD]
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { assertPathsAgree } from './crypto/agreement.js'

const { values } = parseArgs({
  options: {
    blocks: { type: 'string', default: '100000' },
    seed: { type: 'string', default: randomBytes(8).toString('hex') }
  }
})
const wanted = Number(values.blocks)
if (!Number.isSafeInteger(wanted) || wanted < 1) {
  process.stderr.write('check:rsa: --blocks takes a number from 1 on\n')
  process.exit(1)
}
const start = performance.now()
const { keys, blocks, paths } = assertPathsAgree(wanted, values.seed)
const seconds = ((performance.now() - start) / 1000).toFixed(0)
process.stdout.write(
  `${paths.join(', ')} agree on ${blocks} blocks sealed and as many opened, with ${keys} keys ` +
    `(seed ${values.seed}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${seconds} s)\n`
)
