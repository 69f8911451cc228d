import { h } from 'preact'
import { useState } from 'preact/hooks'
import htm from 'htm'
import { ask, useAnswer } from './ask.js'
import { Facts, Shown, Table, core, member, outcome } from './parts.js'
import { date, datdots } from './words.js'

const html = htm.bind(h)

/** A button that redoes something here, and what came of each step. */
function Redo({ what, run }) {
  const [steps, set] = useState(null)
  const go = async () => {
    set([])
    try {
      set(await run(await import('./redo.js')))
    } catch (error) {
      set([{ says: error.message, holds: false }])
    }
  }
  return html`<h2>Redo it here</h2>
    <p>
      <button onClick=${go}>Redo this ${what}</button>
      <span class="quiet"> in this browser, with the code by which the chain did it</span>
    </p>
    <ol class="steps" aria-live="polite" id="redone">
      ${(steps ?? []).map(({ says, holds }) => html`<li class=${holds ? 'good' : 'bad'}>${holds ? 'holds: ' : 'does not hold: '}${says}</li>`)}
    </ol>`
}

const hexOf = (text) => html`<code>${text ?? 'not kept'}</code>`

export function Challenge({ id }) {
  const answer = useAnswer(`/challenges/${encodeURIComponent(id)}`)
  return html`<${Shown} answer=${answer}
    >${(c) => html`
      <h1>Challenge ${c.id}</h1>
      <${Facts}
        of=${[
          ['outcome', outcome(c.outcome ?? 'open')],
          ['hypercore', core(c.hypercore)],
          ['pinner', member(c.pinner)],
          ['copy', c.copy],
          ['issued', date(c.issuedAt)],
          ['answered in', c.answerMs === null ? '–' : `${c.answerMs} ms`],
          ['paid', c.paid === null ? '–' : `${datdots(c.paid)} datdot`],
          ['steps', c.steps ?? '–']
        ]}
      />
      <p>
        Of round ${c.round}, whose value is ${hexOf(c.beacon)}, the walk begins at ${hexOf(c.seed)}; the
        pinner answered ${hexOf(c.state)} and named the evidence ${hexOf(c.evidence)}.
      </p>
      <${Redo}
        what="challenge"
        run=${async ({ redoChallenge }) => {
          const fresh = await ask(`/challenges/${c.id}`)
          const response = fresh.evidenceKept ? await fetch(`./api/v1/challenges/${c.id}/evidence`) : null
          return redoChallenge(fresh, response?.ok ? new Uint8Array(await response.arrayBuffer()) : null)
        }}
      />
    `}<//
  >`
}

export function Draw({ id }) {
  const answer = useAnswer(`/draws/${encodeURIComponent(id)}`)
  return html`<${Shown} answer=${answer}
    >${(d) => html`
      <h1>Draw ${d.id}: a ${d.role}</h1>
      <${Facts}
        of=${[
          ['drawn', member(d.key)],
          ['hypercore', core(d.hypercore)],
          ['copy', d.copy],
          ['task', d.task],
          ['when', date(d.at)],
          ['candidates', d.urn ? d.urn.weights.length : 'not kept']
        ]}
      />
      <p>Of round ${d.round}, whose value is ${hexOf(d.beacon)}; made by entry ${d.seq} of the log.</p>
      ${
        d.urn &&
        html`<h2>On whom lots fell</h2>
          <${Table}
            name="Lots"
            heads=${['candidate', 'key', '']}
            rows=${d.urn.lots.map((lot) => [lot.candidate, member(lot.key), lot.fits ? 'drawn' : 'lacks room or deposit'])}
          />`
      }
      <${Redo} what="draw" run=${async ({ redoDraw }) => redoDraw(await ask(`/draws/${d.id}`))} />
      <p class="quiet">
        The weights are what this chain says they were. <code>datdot verify-draw ${d.id}</code> replays the
        log and makes them anew.
      </p>
    `}<//
  >`
}

export function Check({ copy, epoch }) {
  const answer = useAnswer(`/copies/${encodeURIComponent(copy)}/checks/${encodeURIComponent(epoch)}`)
  return html`<${Shown} answer=${answer}
    >${(c) => html`
      <h1>Check of copy ${c.copy} in epoch ${c.epoch}</h1>
      <${Facts}
        of=${[
          ['outcome', outcome(c.outcome)],
          ['hypercore', core(c.hypercore)],
          ['pinner', member(c.pinner)],
          [
            'first byte',
            `${Math.round(c.firstByteUs / 1_000)} ms, at most ${Math.round(c.limits.firstByteUs / 1_000)}`
          ],
          ['throughput', `${c.bytesPerSecond} B/s, at least ${c.limits.bytesPerSecond}`],
          ['misses', c.misses],
          ['paid', `${datdots(c.paid)} datdot`]
        ]}
      />
      <h2>Reports</h2>
      <${Table}
        name="Reports"
        heads=${['verifier', 'first byte', 'throughput', 'misses', 'entry']}
        rows=${c.reports.map((report) => [
          member(report.verifier),
          `${Math.round(report.firstByteUs / 1_000)} ms`,
          `${report.bytesPerSecond} B/s`,
          report.misses,
          report.seq
        ])}
      />
      <${Redo}
        what="check"
        run=${async ({ redoCheck }) => redoCheck(c, async (seq) => (await ask(`/entries/${seq}`)).bytes)}
      />
    `}<//
  >`
}
