import { h } from 'preact'
import htm from 'htm'
import { useAnswer } from './ask.js'
import { Chart, Events, Facts, Shown, Table, core, member, outcome } from './parts.js'
import { ago, bytes, date, datdots, share, span } from './words.js'

const html = htm.bind(h)
const DAY_MS = 86_400_000

const failed = ({ failure, offline, refused, lie }) => failure + offline + refused + lie
const lasts = ({ days }) => (days === null ? 'nothing is due' : `for ${span(days * DAY_MS)}`)

export function Overview() {
  const overview = useAnswer('/overview')
  const cores = useAnswer('/hypercores?limit=50')
  const pinners = useAnswer('/members?role=pinner&limit=50')
  return html`<${Shown} answer=${overview}
      >${(o) => html`
        <h1>${o.chain.name}</h1>
        <${Facts}
          of=${[
            ['hypercores', o.hypercores],
            [
              'copies live',
              `${o.copies.active} of ${o.copies.live}`,
              o.copies.repairing > 0 ? 'warn' : 'good'
            ],
            ['being made or repaired', o.copies.repairing],
            ['pinners heard of', `${o.pinners.online} of ${o.pinners.registered}`],
            ['challenges passed', `${o.storage.success} of ${o.storage.success + failed(o.storage)}`],
            ['checks passed', `${o.retrieval.success} of ${o.retrieval.success + failed(o.retrieval)}`],
            ['minted', `${datdots(o.tokens.minted)}`],
            ['burned', `${datdots(o.tokens.burned)}`],
            ['epoch', o.chain.epoch]
          ]}
        />
        <h2>Outcomes</h2>
        <${Chart} path="/series" kind="outcomes" />
      `}<//
    >
    <h2>Hypercores</h2>
    <${Shown} answer=${cores}
      >${({ rows }) =>
        html`<${Table}
          name="Hypercores"
          heads=${['key', 'copies proven', 'size', 'codec', 'balance lasts', 'proven']}
          rows=${rows.map((row) => [
            core(row.key),
            html`<span class=${row.healthy >= row.wanted ? 'good' : 'warn'}
              >${row.healthy} of ${row.wanted}</span
            >`,
            bytes(row.byteLength),
            row.codec,
            lasts(row.outlook),
            ago(row.provenAt)
          ])}
        />`}<//
    >
    <h2>Pinners</h2>
    <${Shown} answer=${pinners}
      >${({ rows }) =>
        html`<${Table}
          name="Pinners"
          heads=${['key', 'R', 'storage', 'retrieval', 'used', 'heard of']}
          rows=${rows.map((row) => [
            member(row.key),
            share(row.reputationPpm),
            share(row.storagePpm),
            share(row.retrievalPpm),
            `${bytes(row.usedBytes)} of ${bytes(row.capacityBytes)}`,
            ago(row.heardAt)
          ])}
        />`}<//
    >
    <h2>What happened</h2>
    <${Events} query="" />`
}

export function Hypercore({ id }) {
  const path = `/hypercores/${encodeURIComponent(id)}`
  const answer = useAnswer(path)
  return html`<${Shown} answer=${answer}
    >${(c) => html`
      <h1>Hypercore <code>${c.key}</code></h1>
      <${Facts}
        of=${[
          ['proven copies', `${c.healthy} of ${c.wanted}`, c.healthy >= c.wanted ? 'good' : 'warn'],
          ['every one proven', ago(c.provenAt)],
          ['paid', lasts(c.outlook), c.state === 'active' ? '' : 'bad'],
          ['balance', `${datdots(c.balance)} datdot`],
          ['runs out', c.outlook.runsOutAt === null ? '–' : date(c.outlook.runsOutAt).slice(0, 10)],
          ['size', `${bytes(c.byteLength)}, ${c.length} blocks`],
          ['plan', `${c.plan.copies || share(c.plan.targetPpm)} copies, ${c.plan.codec}`],
          ['state', c.state]
        ]}
      />
      <p class="quiet">
        Donate: <code>datdot donate ${c.key} AMOUNT</code>. Read it: <code>datdot get ${c.key}</code>, or any
        hypercore client. A badge for your page:
        <code>${new URL(`./badge/${c.key}.svg`, location.href).href}</code>
      </p>
      ${
        c.problems.length > 0 &&
        html`<h2>What is not as it was wanted</h2>
          <${Table}
            name="Problems"
            heads=${['why', 'who', 'code']}
            rows=${c.problems.map(({ code, message, who }) => [
              message,
              who === null ? '–' : who === c.key ? 'the hypercore' : member(who),
              code
            ])}
          />`
      }
      <h2>Copies</h2>
      <${Table}
        name="Copies"
        heads=${['copy', 'health', 'pinner', 'bytes', 'last proof', 'answered in', 'first byte', 'throughput']}
        rows=${c.copies.map((copy) => [
          copy.id,
          outcome(copy.health),
          member(copy.pinner),
          bytes(copy.bytes),
          ago(copy.provenAt),
          copy.answerMs === null ? '–' : `${copy.answerMs} ms`,
          copy.firstByteUs === null ? '–' : `${Math.round(copy.firstByteUs / 1_000)} ms`,
          copy.bytesPerSecond === null ? '–' : `${bytes(copy.bytesPerSecond)}/s`
        ])}
      />
      <h2>Segments</h2>
      <${Table}
        name="Segments"
        heads=${['copy', 'blocks', 'signer', 'codec', 'draw', 'root']}
        rows=${c.copies.flatMap((copy) =>
          copy.segments.map((segment) => [
            copy.id,
            `${segment.start} to ${segment.end - 1}`,
            member(segment.signer),
            segment.codec,
            html`<a href=${`#/draws/${segment.draw}`}>${segment.draw}</a>`,
            html`<code>${segment.root}</code>`
          ])
        )}
      />
      <h2>Outcomes</h2>
      <${Chart} path=${`${path}/series`} kind="outcomes" />
      <h2>Latency</h2>
      <${Chart} path=${`${path}/series`} kind="latency" />
      <h2>Throughput</h2>
      <${Chart} path=${`${path}/series`} kind="throughput" />
      <h2>Supporters</h2>
      <${Table}
        name="Supporters"
        heads=${['key', 'gave', 'since']}
        rows=${c.supporters.map(({ key, amount, since }) => [member(key), `${datdots(amount)} datdot`, ago(since)])}
      />
      <h2>What happened</h2>
      <${Events} query=${`&hypercore=${c.key}`} />
    `}<//
  >`
}

export function Member({ id }) {
  const path = `/members/${encodeURIComponent(id)}`
  const answer = useAnswer(path)
  const challenges = useAnswer(`/challenges?limit=20&pinner=${encodeURIComponent(id)}`)
  return html`<${Shown} answer=${answer}
    >${(m) => html`
      <h1>${m.roles.map(({ role }) => role).join(', ') || 'account'} <code>${m.key}</code></h1>
      <${Facts}
        of=${[
          ...m.roles.map((role) => [`R as ${role.role}`, share(role.reputationPpm)]),
          ['heard of', ago(m.heardAt), m.online ? 'good' : 'warn'],
          ['balance', `${datdots(m.balance)} datdot`],
          ['earned in a day', `${datdots(m.earned.day)} datdot`],
          ['earned in 30 days', `${datdots(m.earned.month)} datdot`],
          ...m.roles
            .filter(({ role }) => role === 'pinner')
            .map((role) => ['stores', `${bytes(role.usedBytes)} of ${bytes(role.capacityBytes)}`]),
          ['challenges passed', `${m.storage.success} of ${m.storage.success + failed(m.storage)}`],
          ['checks passed', `${m.retrieval.success} of ${m.retrieval.success + failed(m.retrieval)}`]
        ]}
      />
      <h2>R over time</h2>
      <${Chart} path=${`${path}/series`} kind="reputation" />
      <h2>Why it moved, and what else happened</h2>
      <${Events} query=${`&key=${m.key}`} />
      <h2>Copies</h2>
      <${Table}
        name="Copies"
        heads=${['copy', 'hypercore', 'state', 'last proof']}
        rows=${m.copies.map((copy) => [copy.id, core(copy.hypercore), outcome(copy.state), ago(copy.provenAt)])}
      />
      <h2>Challenges</h2>
      <${Shown} answer=${challenges}
        >${({ rows }) =>
          html`<${Table}
            name="Challenges"
            heads=${['challenge', 'copy', 'when', 'outcome', 'paid']}
            rows=${rows.map((row) => [
              html`<a href=${`#/challenges/${row.id}`}>${row.id}</a>`,
              row.copy,
              ago(row.issuedAt),
              outcome(row.outcome ?? 'open'),
              row.paid === null ? '–' : datdots(row.paid)
            ])}
          />`}<//
      >
    `}<//
  >`
}

export function Search({ q }) {
  const answer = useAnswer(`/search?q=${encodeURIComponent(q)}`)
  const places = { hypercore: 'hypercores', member: 'members', challenge: 'challenges', draw: 'draws' }
  return html`<h1>What <code>${q}</code> may be</h1>
    <${Shown} answer=${answer}
      >${({ found }) =>
        html`<${Table}
          name="Found"
          heads=${['what', '', 'says']}
          rows=${found.map(({ what, id, says }) => [
            what,
            places[what] ? html`<a href=${`#/${places[what]}/${id}`}>${id}</a>` : id,
            says
          ])}
        />`}<//
    >`
}
