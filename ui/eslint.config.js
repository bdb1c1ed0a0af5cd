import js from '@eslint/js'
import svelte from 'eslint-plugin-svelte'
import { defineConfig } from 'eslint/config'
import typescript from 'typescript-eslint'

/** Locals are camelCase; a bare number that crosses a boundary carries its unit at the end, such as `timeout_ms`. */
const LOCAL = '^_$|^_?[a-z][a-zA-Z0-9]*(_(ms|s|px|kb|bytes))?$'

export default defineConfig(
  { ignores: ['src/lib/api/schema.d.ts'] }, // written by openapi-typescript
  js.configs.recommended,
  typescript.configs.recommended,
  svelte.configs.recommended,
  svelte.configs.prettier,
  {
    rules: {
      'no-undef': 'off', // TypeScript says it, and knows the browser's names
      'max-len': ['error', { code: 120 }],
      'max-lines': ['error', { max: 450 }],
      'max-lines-per-function': ['error', { max: 105, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', { max: 6 }],
      complexity: ['error', { max: 26 }],
      'svelte/no-useless-mustaches': 'off', // {' '} keeps a space that ends a line
      'svelte/prefer-svelte-reactivity': 'off', // maps and sets are replaced whole, in $state.raw
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: ['variable', 'parameter'], modifiers: ['destructured'], format: null },
        { selector: 'variable', modifiers: ['const', 'global'], format: null },
        { selector: ['variable', 'parameter'], format: null, custom: { regex: LOCAL, match: true } },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: typescript.parser } },
  },
  { files: ['tests/**'], rules: { 'max-lines': 'off', 'max-lines-per-function': 'off' } },
)
