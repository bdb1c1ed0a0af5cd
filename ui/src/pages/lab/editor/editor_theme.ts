/** The editor in the desk's own light colours. */

import { HighlightStyle } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

export const look = EditorView.theme({
  '&': { height: '100%', backgroundColor: '#fff', color: '#1b2733', fontSize: '14px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: "ui-monospace, 'DejaVu Sans Mono', Consolas, 'Liberation Mono', monospace",
    lineHeight: '1.5',
    overflow: 'auto',
  },
  '.cm-content': { padding: '8px 0', caretColor: '#1b2733' },
  '.cm-gutters': { backgroundColor: '#f4f5f7', color: '#5b6570', border: 'none', borderRight: '1px solid #d8dde3' },
  '.cm-activeLine': { backgroundColor: '#f4f8fd' },
  '.cm-activeLineGutter': { backgroundColor: '#e8f0fa', color: '#1b2733' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: '#cfe0f4',
  },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: '#dce8f5', outline: '1px solid #7d8894' },
  '.cm-placeholder': { color: '#5b6570' },
  '.cm-tooltip': {
    border: '1px solid #7d8894',
    borderRadius: '6px',
    backgroundColor: '#fff',
    color: '#1b2733',
    boxShadow: '0 4px 16px rgb(0 0 0 / 14%)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    maxHeight: '260px',
    fontFamily: "ui-monospace, 'DejaVu Sans Mono', Consolas, 'Liberation Mono', monospace",
    fontSize: '13px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px', lineHeight: '1.4' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: '#1f5fa8', color: '#fff' },
  '.cm-completionDetail': {
    marginLeft: '12px',
    color: '#4a5763',
    fontFamily: "'Inter Variable', sans-serif",
    fontStyle: 'normal',
  },
  'li[aria-selected] .cm-completionDetail': { color: '#fff' },
  '.cm-tooltip.cm-completionInfo': {
    padding: '8px 10px',
    maxWidth: '340px',
    fontFamily: "'Inter Variable', sans-serif",
    fontSize: '13px',
    lineHeight: '1.4',
  },
  '.cm-diagnostic-error': { borderLeft: '4px solid #b3102a' },
  '.cm-diagnostic': { padding: '6px 10px', maxWidth: '560px', fontSize: '13px', whiteSpace: 'pre-wrap' },
  '.cm-lintRange-error': { backgroundColor: '#fdecef' },
  '.cm-panels': { backgroundColor: '#f4f5f7', color: '#1b2733', borderColor: '#d8dde3' },
})

export const colours = HighlightStyle.define([
  { tag: tags.keyword, color: '#1f5fa8', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: '#23683f' },
  { tag: [tags.number, tags.bool, tags.null], color: '#7b3f00' },
  { tag: tags.comment, color: '#5b6570', fontStyle: 'italic' },
  { tag: tags.typeName, color: '#0b6470' },
  { tag: [tags.standard(tags.name), tags.function(tags.variableName)], color: '#5f3a8c' },
  { tag: tags.special(tags.name), color: '#9a2c00', fontWeight: '600' },
])
