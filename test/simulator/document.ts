import { readFileSync, writeFileSync } from 'node:fs'

/** The page with the table, from the folder that is compiled to. */
const PAGE = new URL('../../../docs/security.md', import.meta.url)
/** What stands before and after the table. */
const BEGIN = '<!-- npm run simulate -- --all --docs -->\n'
const END = '<!-- end -->\n'

/** The table as the page has it. */
export function readTable(): string {
  const [, rest = ''] = readFileSync(PAGE, 'utf8').split(BEGIN)
  return rest.split(END)[0]!.trim() + '\n'
}

/** Puts a table in the place of the one on the page. */
export function writeTable(table: string): void {
  const page = readFileSync(PAGE, 'utf8')
  const [before, rest] = page.split(BEGIN)
  if (rest === undefined) throw new Error(`${PAGE.pathname} has no place for the table`)
  writeFileSync(PAGE, `${before}${BEGIN}\n${table}\n${END}${rest.split(END)[1]}`)
}
