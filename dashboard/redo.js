import {
  Urn,
  decodeEntry,
  decodeOperation,
  drawSeed,
  hash,
  judgeEvidence,
  pureSliceTools,
  reportCommitment,
  sliceWalkSeed,
  verifySliceEvidence
} from '../dist/src/browser.js'

// Made again in the reader's browser, with the pure modules of the package: the chain is not asked whether it is right.

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))
const hex = (of) => Array.from(of, (byte) => byte.toString(16).padStart(2, '0')).join('')
const step = (says, holds) => ({ says, holds })

/** @param evidence bytes, or null where they are not kept */
export function redoChallenge(challenge, evidence) {
  const { chainId, copy, id, round, beacon, state, steps } = challenge
  if (!beacon || !challenge.seed || !steps)
    return [step('its beacon value, steps or segments are not kept', false)]
  const segments = challenge.segments.map((one) => ({ ...one, id: bytes(one.id), root: bytes(one.root) }))
  const parts = { chain: bytes(chainId), copy, challenge: id, round, beacon: bytes(beacon) }
  const seed = sliceWalkSeed(parts, segments, { hash })
  const done = [
    step('where the walk begins follows from chain, copy, segments and beacon', hex(seed) === challenge.seed)
  ]
  if (!state || !challenge.evidence)
    return [
      ...done,
      step(
        `nothing was answered, and the outcome is ${challenge.outcome}`,
        ['offline', 'refused', null].includes(challenge.outcome)
      )
    ]
  if (!evidence) return [...done, step('its evidence is not kept here', false)]
  const verdict = verifySliceEvidence(evidence, { seed, steps, segments }, bytes(state), pureSliceTools)
  const { outcome, fault } = judgeEvidence(verdict, bytes(challenge.evidence))
  const why = fault ? `: ${fault.message} [${fault.code}]` : ''
  done.push(step(`the evidence proves the walk to the answered state${why}`, outcome === 'success'))
  if (verdict.ok)
    done.push(step(`${verdict.visits.length} slices lie under the roots that signer and pinner signed`, true))
  if (challenge.outcome !== null)
    done.push(
      step(`it was settled as ${challenge.outcome}, here it is ${outcome}`, challenge.outcome === outcome)
    )
  return done
}

export function redoDraw(draw) {
  if (!draw.urn || !draw.beacon)
    return [step('its weights are not kept; datdot verify-draw makes it from the log', false)]
  const { weights, excluded, lots, total } = draw.urn
  const urn = new Urn()
  for (const [candidate, weight] of weights) urn.set(candidate, weight)
  const done = [step(`${weights.length} candidates weigh ${total} together`, urn.total === total)]
  const seed = drawSeed(bytes(draw.chainId), draw.role, draw.task, draw.id, bytes(draw.beacon))
  const found = []
  for (const candidate of urn.draw(
    seed,
    excluded.map((one) => one.candidate)
  )) {
    found.push(candidate)
    if (found.length === lots.length) break
  }
  const same =
    lots.length > 0 &&
    found.length === lots.length &&
    lots.every(({ candidate }, i) => candidate === found[i])
  done.push(step(`lots fall on ${found.join(', ')} in this order`, same))
  const last = lots.at(-1)
  const drawn = last?.fits === true && lots.slice(0, -1).every(({ fits }) => !fits) && last.key === draw.key
  return [...done, step('the first with room and deposit is who was drawn', drawn)]
}

/** @param entry hex of an entry of the log, by its position */
export async function redoCheck(check, entry) {
  const done = []
  const read = async (seq) => decodeOperation(decodeEntry(bytes(await entry(seq))).operation, true)
  for (const { verifier, seq, committed, ...report } of check.reports) {
    const { kind, body, sender } = await read(seq)
    const own =
      kind === 'revealReport' &&
      body.epoch === check.epoch &&
      body.reports.find(({ copy }) => copy === check.copy)
    const said =
      own &&
      ['firstByteUs', 'bytesPerSecond', 'misses', 'blocks', 'bytes'].every(
        (name) => own[name] === report[name]
      )
    done.push(step(`${verifier.slice(0, 10)}… said so in entry ${seq}`, Boolean(said)))
    if (!said) continue
    const wanted = hex(reportCommitment(bytes(check.chainId), sender, body.epoch, body.reports, body.salt))
    let bound = false
    for (const at of committed) {
      const before = await read(at)
      bound ||=
        before.kind === 'commitReport' &&
        hex(before.sender) === hex(sender) &&
        hex(before.body.commitment) === wanted
    }
    done.push(step(`${verifier.slice(0, 10)}… had bound itself to it before the others' were shown`, bound))
  }
  return done
}
