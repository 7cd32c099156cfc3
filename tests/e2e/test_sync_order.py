"""The judge of a trace notices what is wrong with one."""

import unittest

from sync_order import judge, parse

DATABASE = "/var/lib/quorate/store/records/db"
SOCKET = "12<TCP:[127.0.0.1:41000->127.0.0.1:7443]>"
QUESTION = f'7  recvfrom({SOCKET}, ""..., 4096, 0, NULL, NULL) = 812'
ANSWER = f'7  sendto({SOCKET}, ""..., 420, MSG_NOSIGNAL, NULL, 0) = 420'
SHORT = f'7  sendto({SOCKET}, ""..., 39, MSG_NOSIGNAL, NULL, 0) = 39'
WRITE = f'9  pwrite64(10<{DATABASE}>, ""..., 600, 4096) = 600'
SYNC = f"9  fdatasync(11<{DATABASE}>) = 0"


class Judge(unittest.TestCase):
    def judged(self, *lines):
        answers, faults = judge(parse(lines), DATABASE)
        return answers, len(faults)

    def test_a_sync_between_question_and_answer_is_right(self):
        self.assertEqual(self.judged(QUESTION, WRITE, SYNC, ANSWER), (1, 0))
        self.assertEqual(self.judged(QUESTION, SHORT, WRITE, SYNC, SHORT, ANSWER), (1, 0))

    def test_an_answer_without_a_sync_is_noticed(self):
        self.assertEqual(self.judged(QUESTION, WRITE, ANSWER), (1, 1))

    def test_an_answer_before_the_sync_is_noticed(self):
        self.assertEqual(self.judged(QUESTION, WRITE, ANSWER, SYNC), (1, 1))

    def test_an_answer_without_a_record_is_noticed(self):
        self.assertEqual(self.judged(QUESTION, SYNC, ANSWER), (1, 1))

    def test_a_sync_of_an_earlier_question_does_not_count(self):
        lines = [QUESTION, WRITE, SYNC, ANSWER, QUESTION, WRITE, ANSWER]
        self.assertEqual(self.judged(*lines), (2, 1))

    def test_a_sync_before_the_last_write_does_not_count(self):
        self.assertEqual(self.judged(QUESTION, WRITE, SYNC, WRITE, ANSWER), (1, 1))

    def test_a_sync_of_another_file_does_not_count(self):
        other = SYNC.replace("records/db", "records/conf")
        self.assertEqual(self.judged(QUESTION, WRITE, other, ANSWER), (1, 1))

    def test_a_sync_that_failed_does_not_count(self):
        failed = SYNC.replace("= 0", "= -1 EIO (Input/output error)")
        self.assertEqual(self.judged(QUESTION, WRITE, failed, ANSWER), (1, 1))

    def test_a_sync_under_way_does_not_count(self):
        begun = f"9  fdatasync(11<{DATABASE}> <unfinished ...>"
        ended = "9  <... fdatasync resumed>) = 0"
        self.assertEqual(self.judged(QUESTION, WRITE, begun, ANSWER, ended), (1, 1))
        self.assertEqual(self.judged(QUESTION, WRITE, begun, ended, ANSWER), (1, 0))

    def test_an_answer_under_way_counts_from_its_begin(self):
        begun = f'7  sendto({SOCKET}, ""..., 420, MSG_NOSIGNAL, NULL, 0 <unfinished ...>'
        ended = "7  <... sendto resumed>) = 420"
        self.assertEqual(self.judged(QUESTION, WRITE, begun, SYNC, ended), (1, 1))
        self.assertEqual(self.judged(QUESTION, WRITE, SYNC, begun, ended), (1, 0))

    def test_short_frames_are_no_questions(self):
        ping = QUESTION.replace("= 812", "= 39")
        self.assertEqual(self.judged(ping, ANSWER, SHORT), (0, 0))


if __name__ == "__main__":
    unittest.main()
