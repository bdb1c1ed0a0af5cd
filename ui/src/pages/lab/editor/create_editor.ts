/** The editor itself: CodeMirror in a shadow root, where its rules are sheets that the strict content policy allows.
 * Loaded when the lab is opened, by nothing else. */

import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, LanguageSupport, syntaxHighlighting, syntaxTree } from '@codemirror/language'
import { setDiagnostics, type Diagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, Prec, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view'
import type { Language, Say } from '../../../lib/i18n'
import { stretch } from '../query_fault'
import type { Fault } from '../shapes'
import { duckdb } from './dialect'
import { colours, look } from './editor_theme'
import { offers, type Offer, type Vocabulary } from './completions'
import { VIETNAMESE } from './phrases'

export type Hooks = {
  changed: (sql: string) => void
  run: () => void
  cancel: () => boolean
  save: () => void
  vocabulary: () => Vocabulary
  say: () => Say
}
export type Editor = {
  set: (sql: string) => void
  insert: (text: string) => void
  mark: (fault: Fault | null) => void
  goTo: (fault: Fault) => void
  speak: (language: Language, label: string, hint: string) => void
  focus: () => void
  destroy: () => void
}

/** Typing over a selection: a browser would keep the look of what was there by a style of its own, which the strict
 * policy forbids and reports. */
const typedOver = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    if (event.inputType !== 'insertText' || !event.data || view.state.selection.main.empty || view.composing)
      return false
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: 'input.type', scrollIntoView: true })
    event.preventDefault()
    return true
  },
})

const KINDS: Record<Offer['kind'], string> = {
  view: 'type',
  column: 'property',
  kpi: 'constant',
  unit: 'constant',
  parameter: 'variable',
  keyword: 'keyword',
  function: 'function',
  type: 'type',
}

export function create(root: ShadowRoot, sql: string, hooks: Hooks): Editor {
  const words = new Compartment()
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({ doc: sql, extensions: [extensions(hooks), words.of([])] }),
  })
  return {
    set: (text) => {
      if (text !== view.state.doc.toString())
        view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } })
    },
    insert: (text) => {
      view.dispatch(view.state.replaceSelection(text), { scrollIntoView: true })
      view.focus()
    },
    mark: (fault) => view.dispatch(setDiagnostics(view.state, diagnostics(view.state.doc.toString(), fault))),
    goTo: (fault) => {
      const at = stretch(view.state.doc.toString(), fault)
      if (at) view.dispatch({ selection: { anchor: at.from, head: at.to }, scrollIntoView: true })
      view.focus()
    },
    speak: (language, label, hint) =>
      view.dispatch({
        effects: words.reconfigure([
          language === 'vi' ? EditorState.phrases.of(VIETNAMESE) : [],
          EditorView.contentAttributes.of({
            'aria-label': label,
            lang: 'en',
            spellcheck: 'false',
            autocapitalize: 'off',
          }),
          placeholder(hint),
        ]),
      }),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  }
}

function extensions(hooks: Hooks): Extension {
  return [
    lineNumbers(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    highlightSelectionMatches(),
    search({ top: true }),
    EditorView.lineWrapping,
    new LanguageSupport(
      duckdb.language,
      duckdb.language.data.of({ autocomplete: (context: CompletionContext) => completions(context, hooks) }),
    ),
    syntaxHighlighting(colours),
    autocompletion({ icons: false, maxRenderedOptions: 60 }),
    look,
    typedOver,
    EditorView.updateListener.of(({ docChanged, state }) => docChanged && hooks.changed(state.doc.toString())),
    Prec.high(
      keymap.of([
        { key: 'Mod-Enter', run: (view) => (closeCompletion(view), hooks.run(), true) },
        { key: 'Mod-s', run: () => (hooks.save(), true), preventDefault: true },
        { key: 'Tab', run: acceptCompletion },
      ]),
    ),
    keymap.of([
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...searchKeymap,
      ...historyKeymap,
      // Tab moves on from here, as everywhere on the page: no query is indented by it.
      { key: 'Escape', run: () => hooks.cancel() },
      ...defaultKeymap,
    ]),
  ]
}

function diagnostics(sql: string, fault: Fault | null): Diagnostic[] {
  const at = fault && stretch(sql, fault)
  return at ? [{ ...at, severity: 'error', message: fault.message }] : []
}

function completions(context: CompletionContext, hooks: Hooks): CompletionResult | null {
  const { state, pos } = context
  const before = state.sliceDoc(0, pos)
  const node = syntaxTree(state).resolveInner(pos, -1)
  if (/Comment/.test(node.name)) return null
  const inText =
    node.name === 'String' && pos > node.from && !closed(state.sliceDoc(node.from, pos))
      ? state.sliceDoc(node.from + 1, pos)
      : null
  const found = offers({ before, sql: state.doc.toString(), inText }, hooks.vocabulary(), hooks.say(), context.explicit)
  if (!found || found.offers.length === 0) return null
  return {
    from: pos - found.length,
    filter: false,
    options: found.offers.map(({ text, what, more, kind }): Completion => ({
      label: text,
      ...(what ? { detail: what } : {}),
      ...(more ? { info: () => Object.assign(document.createElement('div'), { textContent: more }) } : {}),
      type: KINDS[kind],
    })),
  }
}

const closed = (text: string): boolean => text.length > 1 && text.endsWith("'")
