import { areas } from './catalogue.js'
import type { ErrorArea, ErrorClass } from './entry.js'

/** What a class stands for, in the words of docs/errors.md. */
const CLASSES: Readonly<Record<ErrorClass, string>> = {
  DatdotError: 'the base of all; thrown itself where none of the others fits',
  InputError: 'what was asked for cannot be done as asked: a wrong option, path, key or folder; exit code 2',
  CodecError: 'a chunk that does not decode, or does not belong where it was found',
  CryptoError: 'a key that is none, or a private operation whose result does not hold',
  ProofError: 'a proof, or evidence, that does not hold',
  ForgeryError: 'a ProofError of well-formed bytes that are not those that were signed: a lie',
  EngineError: 'the worker threads could not do a task',
  ChainError: 'the chain refuses something, or its log does not hold',
  StorageError: 'a disk does not hold what it should, or cannot be used',
  SwarmError: 'a peer did not answer, or answered with something that is not the protocol',
  Finding: 'not thrown: said in a verdict or in the report of an audit'
}

/** The text of docs/errors.md. */
export function documentErrors(): string {
  const lines = [
    '# Errors',
    '',
    '<!-- Made from src/errors/ by `npm run docs:errors`; change it there. -->',
    '',
    'Every error that datdot throws on purpose has a `code`, which is stable, and a message for people, which is not. What the',
    'system or a library reported is its `cause`. An error without a code is one that datdot did not expect.',
    '',
    'A peer or chain that answers with an error answers with a code too. It arrives as a PeerError, a kind of SwarmError with the',
    "peer's code; one that is not in this list, or that is none of a peer's business, arrives as `PEER_CODE` with what was said.",
    '',
    '| class | what it stands for |',
    '| --- | --- |',
    ...Object.entries(CLASSES).map(([name, meaning]) => `| ${name} | ${meaning} |`)
  ]
  for (const [title, area] of Object.entries<ErrorArea>(areas)) {
    lines.push(
      '',
      `## ${title}`,
      '',
      '| code | class | what happened | what to do |',
      '| --- | --- | --- | --- |'
    )
    for (const code of Object.keys(area).sort()) {
      const { class: name, cause, remedy } = area[code]!
      lines.push(`| \`${code}\` | ${name} | ${cell(cause)} | ${cell(remedy)} |`)
    }
  }
  return lines.join('\n') + '\n'
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
