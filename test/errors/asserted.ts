import { dirname, join } from 'node:path/posix'
import ts from 'typescript'

/** A file of the tests. */
export interface TestSource {
  /** From the repository's root, with `/`. */
  path: string
  tree: ts.SourceFile
}

/** Assertions that hold where something is not so, or never. */
const DENIALS = /^(fail|not[A-Z]\w*|doesNot\w+|ifError)$/
/** What takes a table or a pattern and gives it back in another form. */
const FORMS = new Set(['RegExp', 'Map', 'Set', 'Object.entries', 'Object.fromEntries', 'Object.values'])
/** Methods of a table that ask whether something is in it: that says nothing of what is. */
const QUESTIONS = new Set(['includes', 'has', 'indexOf', 'some', 'every', 'find'])

/**
 * Words in strings and patterns of the tests that an assertion compares something with: as an argument of `assert`, or of a function that
 * hands it on to `assert`, directly or in a table that is gone through for that. A word in a comment, in a list that nothing
 * is compared with, in what is denied, or in an error that the test makes itself does not count.
 */
export function assertedWords(sources: readonly TestSource[]): Set<string> {
  const asserting = assertingFunctions(sources)
  const found = new Set<string>()
  for (const { tree, path } of sources) {
    const names = asserting.get(path)!
    const look = new Lookout(tree, names)
    const visit = (node: ts.Node): void => {
      ts.forEachChild(node, visit)
      const text = textOf(node)
      if (text === undefined || !/[A-Z]/.test(text) || !look.isAsserted(node)) return
      for (const [word] of text.matchAll(/\b[A-Z][A-Z0-9_]+\b/g)) found.add(word)
    }
    visit(tree)
  }
  return found
}

/** The text of a string, of a part of a template or of a pattern. */
function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node) || ts.isTemplateMiddleOrTemplateTail(node) || ts.isTemplateHead(node))
    return node.text
  return ts.isRegularExpressionLiteral(node) ? node.text : undefined
}

/** By file, the names of its functions, own and imported, that call `assert`, themselves or through another one of these. */
function assertingFunctions(sources: readonly TestSource[]): Map<string, Set<string>> {
  const known = new Map(sources.map(({ path }) => [path, new Set<string>()]))
  const declared = sources.map((source) => ({ ...source, functions: functionsOf(source.tree) }))
  for (let grown = true; grown;) {
    grown = false
    for (const { path, tree, functions } of declared) {
      const names = known.get(path)!
      const before = names.size
      for (const [name, body] of functions) if (asserts(body, names)) names.add(name)
      for (const { from, name, as } of importsOf(path, tree)) if (known.get(from)?.has(name)) names.add(as)
      if (names.size > before) grown = true
    }
  }
  return known
}

/** Functions of a file that have a name. */
function functionsOf(tree: ts.SourceFile): Map<string, ts.Node> {
  const functions = new Map<string, ts.Node>()
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit)
    if (ts.isFunctionDeclaration(node) && node.name && node.body) functions.set(node.name.text, node.body)
    if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name) || !node.initializer) return
    if (ts.isArrowFunction(node.initializer)) functions.set(node.name.text, node.initializer.body)
  }
  visit(tree)
  return functions
}

/** What a file imports from other files of the repository. */
function importsOf(path: string, tree: ts.SourceFile): { from: string; name: string; as: string }[] {
  return tree.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) return []
    const { text } = statement.moduleSpecifier
    const bindings = statement.importClause?.namedBindings
    if (!text.startsWith('.') || !bindings || !ts.isNamedImports(bindings)) return []
    const from = join(dirname(path), text.replace(/\.js$/, '.ts'))
    return bindings.elements.map(({ name, propertyName }) => ({
      from,
      name: (propertyName ?? name).text,
      as: name.text
    }))
  })
}

/** Whether something in a piece of code is an assertion. */
function asserts(code: ts.Node, names: ReadonlySet<string>): boolean {
  let found = false
  const visit = (node: ts.Node): void => {
    if (found) return
    if (ts.isCallExpression(node) && isAssertion(node, names)) found = true
    else ts.forEachChild(node, visit)
  }
  visit(code)
  return found
}

/** Whether an argument of an assertion is the words that it fails with. */
function isMessage(value: ts.Node, { expression, arguments: given }: ts.CallExpression): boolean {
  const at = given.indexOf(value as ts.Expression)
  const text = expression.getText()
  return /^assert(\.ok)?$/.test(text) ? at > 0 : /^assert\./.test(text) && at > 1
}

function isAssertion({ expression }: ts.CallExpression, names: ReadonlySet<string>): boolean {
  if (ts.isIdentifier(expression)) return expression.text === 'assert' || names.has(expression.text)
  if (!ts.isPropertyAccessExpression(expression)) return false
  return expression.expression.getText() === 'assert' && !DENIALS.test(expression.name.text)
}

/** Follows a value of one file to where it is used. */
class Lookout {
  readonly #names: ReadonlySet<string>
  readonly #uses = new Map<string, ts.Identifier[]>()
  readonly #looking = new Set<ts.Node>()

  constructor(tree: ts.SourceFile, names: ReadonlySet<string>) {
    this.#names = names
    const visit = (node: ts.Node): void => {
      ts.forEachChild(node, visit)
      if (!ts.isIdentifier(node)) return
      const uses = this.#uses.get(node.text)
      if (uses) uses.push(node)
      else this.#uses.set(node.text, [node])
    }
    visit(tree)
  }

  /** @param compared whether the value is one side of a comparison that was met already */
  isAsserted(value: ts.Node, compared = false): boolean {
    const { parent } = value
    if (ts.isCallExpression(parent)) return this.#isInCall(value, parent, compared)
    if (ts.isNewExpression(parent)) return FORMS.has(parent.expression.getText()) && this.isAsserted(parent)
    if (ts.isForOfStatement(parent))
      return value === parent.expression && asserts(parent.statement, this.#names)
    if (ts.isVariableDeclaration(parent)) return value === parent.initializer && this.#isUsed(parent)
    if (ts.isBinaryExpression(parent)) {
      const { kind } = parent.operatorToken
      const denies = kind === ts.SyntaxKind.ExclamationEqualsEqualsToken
      return !denies && this.isAsserted(parent, compared || kind === ts.SyntaxKind.EqualsEqualsEqualsToken)
    }
    // What a function holds is asserted where it is the question that an assertion asks of each.
    if (ts.isArrowFunction(parent)) return compared && this.isAsserted(parent, compared)
    if (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent))
      return value === parent.expression && this.isAsserted(parent, compared)
    if (ts.isPropertyAssignment(parent))
      return value === parent.initializer && this.isAsserted(parent, compared)
    return isPart(parent) && this.isAsserted(parent, compared)
  }

  #isInCall(value: ts.Node, call: ts.CallExpression, compared: boolean): boolean {
    if (value !== call.expression) {
      if (isAssertion(call, this.#names)) return !isMessage(value, call)
      if (compared) return this.isAsserted(call, compared)
      const form = call.expression.getText()
      if (form === 'hasCode' || /\.includes$/.test(form)) return this.isAsserted(call, true)
      return FORMS.has(form) && this.isAsserted(call)
    }
    const asked = ts.isPropertyAccessExpression(value) && QUESTIONS.has(value.name.text)
    return (!asked || compared) && this.isAsserted(call, compared)
  }

  /** Whether what a variable holds is asserted where its name stands. */
  #isUsed({ name }: ts.VariableDeclaration): boolean {
    if (!ts.isIdentifier(name)) return false
    return (this.#uses.get(name.text) ?? []).some((use) => {
      if (use === name || this.#looking.has(use)) return false
      this.#looking.add(use)
      try {
        return this.isAsserted(use)
      } finally {
        this.#looking.delete(use)
      }
    })
  }
}

/** What only puts a value together with others, or gives it a type. */
function isPart(node: ts.Node): boolean {
  return (
    ts.isArrayLiteralExpression(node) ||
    ts.isObjectLiteralExpression(node) ||
    ts.isConditionalExpression(node) ||
    ts.isParenthesizedExpression(node) ||
    ts.isSpreadElement(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isAwaitExpression(node) ||
    ts.isTemplateSpan(node) ||
    ts.isTemplateExpression(node)
  )
}
