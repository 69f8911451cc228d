import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { encode } from 'hypercore-id-encoding'
import type { AuditReport } from '../../src/audit/report.js'
import { audit } from '../../src/cli/audit.js'
import type { TestChain } from '../chain/chain.js'

type Report = Pick<AuditReport, 'ok' | 'failure' | 'evidence'>

/** Runs `datdot audit`. */
export async function run(...args: string[]): Promise<{ code: number; report: Report }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const signal = new AbortController().signal
  const code = await audit.run([...args, '--json'], { stdout, stderr, cwd: '/', signal })
  stdout.end()
  return { code, report: JSON.parse(await text(stdout)) as Report }
}

/** The chain by its key, as anybody follows it. */
export function remote({ network, bootstrap }: TestChain): string[] {
  const [{ host, port }] = bootstrap as [{ host: string; port: number }]
  return [encode(network.chain.publicKey), '--bootstrap', `${host}:${port}`, '--timeout', '5']
}
