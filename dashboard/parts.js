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

/** A series as a chart, and in words for who cannot see it. */
export function Chart({ path, kind }) {
  const [over, setOver] = useState('all')
  const answer = useAnswer(`${path}?span=${over}`)
  const place = useRef(null)
  useEffect(() => {
    const at = place.current
    if (!answer.value || !at) return
    let chart
    let gone = false
    import('./chart.js').then(({ draw }) => {
      if (!gone && at.isConnected) chart = draw(at, answer.value, kind)
    })
    return () => {
      gone = true
      chart?.destroy()
    }
  }, [answer.value, kind])
  const { value } = answer
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
      aria-label=${`${kind} over time: ${value ? inWords[kind](value) : 'not known yet'}`}
    ></div>
  </section>`
}

const sum = (values) => values.reduce((all, n) => all + n, 0)
const total = ({ storage, retrieval }, names) =>
  sum(names.flatMap((name) => [...storage[name], ...retrieval[name]]))
const range = (values, unit) => {
  const known = values.filter((value) => value !== null)
  return known.length === 0
    ? 'nothing measured'
    : `${Math.round(Math.min(...known))} to ${Math.round(Math.max(...known))} ${unit}`
}

/** What a chart shows, for who cannot see it. */
const inWords = {
  outcomes: (of) =>
    `${total(of, ['success'])} passed, ${total(of, ['failure', 'offline', 'refused', 'lie'])} not`,
  reputation: ({ r }) =>
    range(
      r.map((ppm) => (ppm === null ? null : ppm / 10_000)),
      '%'
    ),
  latency: ({ answerMs }) => range(answerMs, 'ms to an answer'),
  throughput: ({ bytesPerSecond }) => range(bytesPerSecond, 'bytes a second')
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
  forkSeen: 'a fork that takes more than half away waits',
  forked: 'rewritten by its author',
  conflicted: 'two trees signed',
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
  if (['extended', 'forkSeen', 'forked', 'conflicted'].includes(kind)) return `${ref} blocks`
  return html`<a href=${`#/draws/${ref}`}>draw ${ref}</a>`
}
