/** How a hypercore does, for its author's own page. */
export interface BadgeFacts {
  healthy: number
  wanted: number
  /** Since the proof of the copy that was proven longest ago; null before there is one. */
  agoMs: number | null
}

/** About how wide a character of the badge's letters is. */
const CHARACTER = 6.6
const LABEL = 'datdot'

/** An image that says it: `3 of 3 copies proven, last 12 minutes ago`. Made of numbers alone. */
export function badge({ healthy, wanted, agoMs }: BadgeFacts): string {
  const said = `${healthy} of ${wanted} copies proven${agoMs === null ? '' : `, last ${ago(agoMs)} ago`}`
  const [left, right] = [LABEL, said].map((text) => Math.round(text.length * CHARACTER) + 14) as [
    number,
    number
  ]
  const colour = healthy >= wanted ? '#17693f' : healthy > 0 ? '#7a5200' : '#a3261b'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${LABEL}: ${said}">
<title>${LABEL}: ${said}</title>
<rect width="${left + right}" height="20" rx="3" fill="#33363d"/>
<path d="M${left} 0h${right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H${left}z" fill="${colour}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="${left / 2}" y="14">${LABEL}</text>
<text x="${left + right / 2}" y="14">${said}</text>
</g>
</svg>
`
}

function ago(ms: number): string {
  for (const [name, size] of [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000]
  ] as const) {
    if (ms < size) continue
    const count = Math.floor(ms / size)
    return `${count} ${name}${count === 1 ? '' : 's'}`
  }
  return 'less than a minute'
}
