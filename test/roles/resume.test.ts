import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { firstLine, type LogLine } from './process.js'
import { RoleNetwork } from './network.js'

const MIB = 1 << 20
const VERIFIERS = ['verifier-1', 'verifier-2', 'verifier-3']
/** Much more than can be on its way, so that a kill after the first signed root comes in the middle. */
const film = randomBytes(32 * MIB)
/** The first signed root of the film: the drive's other hypercore is small. */
const inTheMiddle = ({ event, bytes = 0 }: LogLine): boolean => event === 'pinner.provable' && bytes >= MIB

/** Copies the film with one side killed in the middle and started again; both sides tell where they went on. */
for (const killed of ['signer', 'pinner'] as const) {
  test(`a transfer whose ${killed} is killed and started again goes on where it was`, async (t) => {
    const other = killed === 'signer' ? 'pinner' : 'signer'
    const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1', ...VERIFIERS])
    const options = { runningRootBytes: MIB }
    const begun: LogLine[] = []
    // Who stays tells where each transfer begins.
    const begins = other === 'pinner' ? 'pinner.receiving' : 'signer.sending'
    network.events.on('line', (line) => void (line.event === begins && begun.push(line)))
    await network.startRole(other, `${other}-1`, options)
    const first = network.startProcess(killed, `${killed}-1`, options)
    const middle = firstLine(killed === 'pinner' ? first.events : network.events, inTheMiddle)
    const ended = middle.then(() => first.kill())
    const keeping = network.keep({ 'film.bin': film }, { copies: 1, codec: 'wrap' })
    const { draw, chunks } = await middle
    await ended
    const again = network.startProcess(killed, `${killed}-1`, options)
    const accepted =
      killed === 'pinner'
        ? firstLine(again.events, ({ event, draw: of }) => event === 'pinner.accepted' && of === draw)
        : firstLine(network.events, ({ event, draw: of }) => event === 'pinner.accepted' && of === draw)
    const { driveKey, hypercores } = await keeping

    const positions = begun.filter((line) => line.draw === draw)
    assert.equal(positions[0]!.position, 0)
    const last = positions.at(-1)!
    assert.ok(last.position! >= chunks!, `went on at ${last.position}, ${chunks} chunks were signed`)
    assert.ok(last.position! < last.end!, 'it was killed in the middle')
    const { chunks: whole } = await accepted
    assert.equal(whole, last.end)

    // The root is that of what the pinner has: it answers for chunks from all over the copy, and readers get all of it.
    for (const name of VERIFIERS) await network.startRole('verifier', name)
    const [holder] = await network.holders(hypercores[1]!)
    assert.equal(holder!.chunks, last.end)
    await network.until('two passed challenges', () => network.settled(holder!.copy, 'success') > 1)
    await network.read(driveKey, { 'film.bin': film })
    await network.audit()
  })
}
