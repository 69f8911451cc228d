import { h } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import htm from 'htm'
import { useAnswer } from './ask.js'
import { ago, date, datdots, short } from './words.js'

const html = htm.bind(h)

export function Facts({ of }) {
  return html`<dl class="facts">
    ${of.map(
      ([name, value, tone]) =>
        html`<div>
          <dt>${name}</dt>
          <dd class=${tone ?? ''}>${value}</dd>
        </div>`
    )}
  </dl>`
}

export function Table({ name, heads, rows }) {
  if (rows.length === 0) return html`<p class="quiet">none yet</p>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${name}>
    <table>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${cell}</td>`)}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`
}

/** What is known, or why nothing is. */
export function Shown({ answer, children }) {
  if (answer.value) return children(answer.value)
  return answer.error
    ? html`<p class="bad" role="alert">${answer.error.message}</p>`
    : html`<p class="quiet">…</p>`
}

export const core = (key) => (key === null ? '–' : html`<a href=${`#/hypercores/${key}`}>${short(key)}</a>`)
export const member = (key) => (key === null ? '–' : html`<a href=${`#/members/${key}`}>${short(key)}</a>`)

const tones = {
  proven: 'good',
  success: 'good',
  failing: 'bad',
  lost: 'bad',
  lie: 'bad',
  failure: 'bad',
  offline: 'warn',
  refused: 'warn'
}
export const outcome = (word) => html`<span class=${tones[word] ?? ''}>${word}</span>`

/** Outcomes over time, as bars of text for who cannot see the chart, and as a chart. */
export function Chart({ path, kind }) {
  const [over, setOver] = useState('all')
  const answer = useAnswer(`${path}?span=${over}`)
  const place = useRef(null)
  useEffect(() => {
    if (!answer.value || !place.current) return
    let chart
    let gone = false
    import('./chart.js').then(({ draw }) => {
      if (!gone) chart = draw(place.current, answer.value, kind)
    })
    return () => {
      gone = true
      chart?.destroy()
    }
  }, [answer.value, kind])
  const total = (name) =>
    (answer.value?.storage[name] ?? [])
      .concat(answer.value?.retrieval[name] ?? [])
      .reduce((sum, n) => sum + n, 0)
  return html`<section>
    <label class="quiet"
      >over ${' '}
      <select value=${over} onChange=${(event) => setOver(event.target.value)}>
        ${['hour', 'day', 'week', 'month', 'year', 'all'].map((name) => html`<option value=${name}>${name}</option>`)}
      </select>
    </label>
    <div
      class="chart"
      ref=${place}
      role="img"
      aria-label=${`${kind} over time: ${total('success')} passed, ${total('failure') + total('offline') + total('refused') + total('lie')} not`}
    ></div>
  </section>`
}

const said = {
  challenge: 'storage challenge not passed',
  check: 'retrieval check not passed',
  drawn: 'drawn',
  accepted: 'segment accepted',
  activated: 'copy is live',
  rewarded: 'signer paid',
  graceBegan: 'balance cannot pay: grace began',
  graceEnded: 'grace ended',
  penalised: 'penalty',
  redraw: 'to be drawn again'
}

export function Events({ query }) {
  const answer = useAnswer(`/events?limit=30${query}`)
  return html`<${Shown} answer=${answer}
    >${({ rows }) =>
      html`<${Table}
        name="What happened"
        heads=${['when', 'what', 'hypercore', 'who', 'copy', 'detail']}
        rows=${rows.map((row) => [
          html`<time datetime=${new Date(row.at).toISOString()} title=${date(row.at)}>${ago(row.at)}</time>`,
          said[row.kind] ?? row.kind,
          core(row.hypercore),
          member(row.key),
          row.copy ?? '–',
          html`${reference(row)} ${row.word ?? ''}
          ${row.amount === null ? '' : `${datdots(row.amount)} datdot`}`
        ])}
      />`}<//
  >`
}

function reference({ kind, ref, copy }) {
  if (ref === null) return ''
  if (kind === 'challenge') return html`<a href=${`#/challenges/${ref}`}>challenge ${ref}</a>`
  if (kind === 'check') return html`<a href=${`#/checks/${copy}/${ref}`}>epoch ${ref}</a>`
  if (kind === 'extended') return `${ref} blocks`
  return html`<a href=${`#/draws/${ref}`}>draw ${ref}</a>`
}
