import { describe, expect, test } from 'vitest'
import { messageText } from '../src/lib/i18n/messages'

const say = (code: string, params = {}, nested = {}): string =>
  messageText({ message: 'As the centre says.', code, params, nested }, 'vi')

describe('messages of the centre in Vietnamese', () => {
  test.each([
    ['a number has a decimal comma', say('q_range', { given: 1.5 }), 'là 1,5; phân vị nằm giữa 0 và 1, như 0.95.'],
    ['a word by its code', say('missing', { wanted: 'number' }), 'Còn thiếu; ghi một số.'],
    ['a clause that is left out', say('unknown_rule', { given: 'a', nearest: '' }), 'Không có luật nào mã a.'],
    ['a clause', say('unknown_rule', { given: 'a', nearest: 'b' }), 'Không có luật nào mã a. Có phải là “b”?'],
    [
      'a list',
      say('calendar_no_table', { name: 'x', known: ['a', 'b'], nearest: '' }),
      'Lịch không có bảng x; chỉ có a, b.',
    ],
    ['braces', say('expect_empty'), 'Đang để trống; ghi expect = [{ at = "10m", state = "firing" }].'],
    [
      'a message in a message, in Vietnamese and with one full stop',
      say(
        'thread_failed',
        { thread: 'x', reason: 'The audit trail had 3 entries …' },
        { reason: { code: 'store_closed', params: { path: '/s' } } },
      ),
      'Tác vụ nền x gặp lỗi và đang được chạy lại; hãy xem nhật ký: Kho dữ liệu /s đã đóng.',
    ],
    [
      'the step of the start',
      say('starting', { step: 'the first evaluation …' }, { step: { code: 'first_evaluation', params: {} } }),
      'Trung tâm đang khởi động: đang tính lần đầu toàn bộ chỉ tiêu; hãy đợi thêm.',
    ],
    ['a code of a newer centre', say('of_a_newer_centre'), 'As the centre says.'],
    ['no code', messageText({ message: 'As the centre says.' }, 'vi'), 'As the centre says.'],
    ['English', messageText({ message: 'As the centre says.', code: 'missing' }, 'en'), 'As the centre says.'],
  ])('%s', (_, said, expected) => expect(said).toBe(expected))
})
