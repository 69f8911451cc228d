import { UINT_MAX } from '../../bounds.js'
import { outcomeNames, roleNames, type RoleName } from '../../protocol/operations.js'
import type { ApiAnswers, PageQuery, Span } from './answers.js'
import { SPANS } from './answers.js'
import { anyOf, fields, maybe, whole, phrase, type Shape } from './shape.js'
import * as shapes from './shapes.js'
import { PAGE_MAX } from './shapes.js'

/** A question of the API: its address, what it takes and answers, both checked by their shapes, and who answers. */
export interface Route {
  path: string
  says: string
  params?: Shape<unknown>
  query?: Shape<unknown>
  answers: Shape<unknown>
  answer: (answers: ApiAnswers, asked: { params: unknown; query: unknown }) => unknown
}

function route<P, Q, A>(
  path: string,
  says: string,
  of: {
    params?: Shape<P>
    query?: Shape<Q>
    answers: Shape<A>
    answer: (answers: ApiAnswers, params: P, query: Q) => A | Promise<A>
  }
): Route {
  const { answer, ...rest } = of
  return {
    path,
    says,
    ...rest,
    answer: (answers, { params, query }) => answer(answers, params as P, query as Q)
  }
}

/** Whatever is counted. */
const number = whole(UINT_MAX)
const id = { id: number }
const key = { key: phrase(128, 'in any of its forms') }
const paging = {
  cursor: maybe<string>({ schema: { type: 'string', pattern: '^[0-9]{1,15}$' } }),
  limit: maybe<number>({ schema: { type: 'integer', minimum: 1, maximum: PAGE_MAX } })
}
const span = maybe(anyOf(Object.keys(SPANS) as Span[]))
const spanOf = (query: { span?: Span | undefined }): Span => query.span ?? 'all'
const page = fields(paging)
const ofCopyOrPinner = fields({ ...paging, copy: maybe(number), pinner: maybe(phrase(128)) })

/** All that the API answers, in the order of its description. */
export const routes: readonly Route[] = [
  route('/overview', 'The network now', {
    answers: shapes.overviewShape,
    answer: (answers) => answers.overview()
  }),
  route('/series', 'The network over time', {
    query: fields({ span }),
    answers: shapes.seriesShape,
    answer: (answers, _, query) => answers.series(null, spanOf(query))
  }),
  route('/hypercores', 'What is sponsored, in the order in which it was', {
    query: page,
    answers: shapes.pageOf(shapes.hypercoreRowShape),
    answer: (answers, _, query: PageQuery) => answers.hypercores(query)
  }),
  route('/hypercores/:key', 'A hypercore: plan, balance, the day it runs out, supporters, copies', {
    params: fields(key),
    answers: shapes.hypercoreShape,
    answer: (answers, params) => answers.hypercore(params.key)
  }),
  route('/hypercores/:key/series', 'A hypercore over time, all of its copies together', {
    params: fields(key),
    query: fields({ span }),
    answers: shapes.seriesShape,
    answer: (answers, params, query) => answers.series(params, spanOf(query))
  }),
  route('/copies/:id', 'A copy with its segments', {
    params: fields(id),
    answers: shapes.copyShape,
    answer: (answers, params) => answers.copy(params.id)
  }),
  route('/copies/:id/series', 'A copy over time', {
    params: fields(id),
    query: fields({ span }),
    answers: shapes.seriesShape,
    answer: (answers, params, query) => answers.series({ copy: params.id }, spanOf(query))
  }),
  route('/members', 'Who registered for a role, in the order in which they did', {
    query: fields({ ...paging, role: maybe(anyOf(roleNames)) }),
    answers: shapes.pageOf(shapes.roleRowShape),
    answer: (answers, _, query: PageQuery & { role?: RoleName | undefined }) =>
      answers.members(query.role ?? 'pinner', query)
  }),
  route('/members/:key', 'A pinner, signer, verifier or account: roles, reputation, earnings, copies', {
    params: fields(key),
    answers: shapes.memberShape,
    answer: (answers, params) => answers.member(params.key)
  }),
  route('/members/:key/series', 'A member over time: outcomes, R, earnings', {
    params: fields(key),
    query: fields({ span }),
    answers: shapes.seriesShape,
    answer: (answers, params, query) => answers.series(params, spanOf(query))
  }),
  route('/challenges', 'Storage challenges, newest first', {
    query: ofCopyOrPinner,
    answers: shapes.pageOf(shapes.challengeRowShape),
    answer: (answers, _, query) => answers.challenges(query, query)
  }),
  route('/challenges/:id', 'A challenge with all that it takes to redo it', {
    params: fields(id),
    answers: shapes.challengeShape,
    answer: (answers, params) => answers.challenge(params.id)
  }),
  route('/checks', 'Retrieval checks, newest first', {
    query: ofCopyOrPinner,
    answers: shapes.pageOf(shapes.checkRowShape),
    answer: (answers, _, query) => answers.checks(query, query)
  }),
  route('/copies/:id/checks/:epoch', 'A retrieval check with the reports that it was made of', {
    params: fields({ ...id, epoch: number }),
    answers: shapes.checkShape,
    answer: (answers, params) => answers.check(params.id, params.epoch)
  }),
  route('/draws', 'Draws of pinners and signers, newest first', {
    query: fields({ ...paging, copy: maybe(number) }),
    answers: shapes.pageOf(shapes.drawRowShape),
    answer: (answers, _, query) => answers.draws(query, query)
  }),
  route('/draws/:id', 'A draw with all that it takes to redo it', {
    params: fields(id),
    answers: shapes.drawShape,
    answer: (answers, params) => answers.draw(params.id)
  }),
  route('/events', `What people want to be told of, newest first; outcomes but ${outcomeNames[0]} among it`, {
    query: fields({ ...paging, hypercore: maybe(phrase(128)), key: maybe(phrase(128)) }),
    answers: shapes.pageOf(shapes.eventShape),
    answer: (answers, _, query) => answers.events(query, query)
  }),
  route('/entries/:seq', 'An entry of the log, as it is published', {
    params: fields({ seq: number }),
    answers: shapes.entryShape,
    answer: (answers, params) => answers.entry(params.seq)
  }),
  route('/search', 'What a key, its beginning in hex, or a number may stand for', {
    query: fields({ q: phrase(128) }),
    answers: shapes.foundShape,
    answer: (answers, _, query) => answers.search(query.q)
  })
]
