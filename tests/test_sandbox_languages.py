"""Every language of the table that this host has: it runs, fails, ends, and is refused as it should."""

import os

import pytest

from sandbox import Limits, Status, canonical, languages, recipe, run, runtime
from sandbox.languages import LANGUAGES, TABLE

pytestmark = pytest.mark.needs("bubblewrap")

# What CI installs, so that these are never skipped there.
ALWAYS = {"python", "javascript", "bash", "cpp", "java", "go"}

# Reads a word and prints it.
ECHO = {
    "python": "print(input())",
    "javascript": "console.log(require('fs').readFileSync(0, 'utf8').trim())",
    "bash": "read word; echo $word",
    "c": '#include <stdio.h>\nint main(void) { char s[9]; scanf("%8s", s); puts(s); return 0; }',
    "cpp": "#include <iostream>\nint main() { std::string s; std::cin >> s; std::cout << s << std::endl; }",
    "java": "import java.util.*; public class Echo { public static void main(String[] a) {"
    " System.out.println(new Scanner(System.in).next()); } }",
    "go": 'package main\nimport "fmt"\nfunc main() { var s string; fmt.Scan(&s); fmt.Println(s) }',
    "rust": "fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap();"
    ' println!("{}", s.trim()); }',
    "ruby": "puts gets",
    "php": "<?php echo fgets(STDIN);",
    "perl": "print scalar <STDIN>",
    "lua": "print(io.read())",
    "sql": "select 'word';",
}
FAILING = {
    "python": "raise ValueError('broken')",
    "javascript": "throw new Error('broken')",
    "bash": "echo broken >&2; exit 3",
    "c": '#include <stdio.h>\nint main(void) { fputs("broken", stderr); return 3; }',
    "cpp": '#include <stdexcept>\nint main() { throw std::runtime_error("broken"); }',
    "java": 'public class Main { public static void main(String[] a) { throw new RuntimeException("broken"); } }',
    "go": 'package main\nfunc main() { panic("broken") }',
    "rust": 'fn main() { panic!("broken") }',
    "ruby": "raise 'broken'",
    "php": "<?php throw new Exception('broken');",
    "perl": "die 'broken'",
    "lua": "error('broken')",
    "sql": "select * from broken;",
}
HUNGRY = {
    "python": "x = []\nwhile True: x.append(bytearray(10**6))",
    "javascript": "const a = []; while (true) a.push(new Array(1e6).fill(1))",
    "bash": "x=a; while true; do x=$x$x; done",
    "cpp": "#include <vector>\nint main() { std::vector<long> v; while (true) v.push_back(1); }",
    "java": "import java.util.*; public class Main { public static void main(String[] a) {"
    " List<long[]> l = new ArrayList<>(); while (true) l.add(new long[1000000]); } }",
    "go": "package main\nfunc main() { var l [][]byte; for { b := make([]byte, 1<<20);"
    " for i := range b { b[i] = 1 }; l = append(l, b) } }",
    "rust": "fn main() { let mut v: Vec<Vec<u8>> = vec![]; loop { v.push(vec![1; 1 << 20]); } }",
    "ruby": "a = []; loop { a << ('x' * 1000000) }",
    "php": "<?php $a = []; while (true) $a[] = str_repeat('x', 1000000);",
    "perl": "my @a; while (1) { push @a, 'x' x 1000000 }",
    "lua": "t = {} while true do t[#t + 1] = string.rep('x' .. #t, 100000) end",
}
ENDLESS = {
    "python": "while True: pass",
    "javascript": "while (true);",
    "bash": "while :; do :; done",
    "c": "int main(void) { volatile int x = 1; while (x); }",
    "cpp": "int main() { volatile int x = 1; while (x); }",
    "java": "public class Main { public static void main(String[] a) { while (true); } }",
    "go": "package main\nfunc main() { for {} }",
    "rust": "fn main() { loop {} }",
    "ruby": "loop {}",
    "php": "<?php while (true);",
    "perl": "1 while 1",
    "lua": "while true do end",
    "sql": "with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r;",
}
REFUSED_BY_COMPILER = {
    "c": "int main(void) { return unknown; }",
    "cpp": "int main() { return unknown; }",
    "java": 'public class Main { int unknown = "text"; }',
    "go": "package main\nfunc main() { unknown }",
    "rust": "fn main() { unknown }",
}


REFUSED_BY_INTERPRETER = {
    "python": "def broken(:",
    "javascript": "function broken( {",
    "bash": "if broken",
    "ruby": "def broken(",
    "php": "<?php function broken( {",
    "perl": "sub broken {",
    "lua": "function broken(",
    "sql": "selec broken;",
}


def cases(programs):
    return [pytest.param(language, code, id=language) for language, code in programs.items()]


@pytest.fixture(autouse=True)
def here(request):
    language = request.node.callspec.params["language"] if hasattr(request.node, "callspec") else "python"
    if not runtime(language):
        if language in ALWAYS and os.environ.get("REQUIRE_ALL") == "1":
            pytest.fail(f"REQUIRE_ALL=1, but there is no {language} here")
        pytest.skip(f"no {language} here")


def test_the_table_of_cases_has_every_language():
    assert ECHO.keys() == FAILING.keys() == ENDLESS.keys() == LANGUAGES.keys()
    assert REFUSED_BY_COMPILER.keys() | REFUSED_BY_INTERPRETER.keys() == LANGUAGES.keys()


def test_a_language_goes_by_one_name_and_is_found_by_its_others():
    names = [name for entry in TABLE for name in (entry.name, *entry.aliases)]
    assert len(names) == len({*names})
    for written, name in {"C++": "cpp", "cxx": "cpp", "Node": "javascript", "py": "python", "sh": "bash"}.items():
        assert canonical(written) == name
    assert runtime("py") == runtime("Python3") == runtime("python")
    result = run("print(6 * 7)", "py3")
    assert (result.stdout, result.runtime) == ("42\n", runtime("python"))


def test_what_a_fence_calls_it_the_sandbox_knows_as_well():
    from llm.blocks import ALIASES

    here = {written: name for written, name in ALIASES.items() if name in LANGUAGES}
    dialects = {"jsx", "postgresql", "mysql"}
    assert {written: canonical(written) for written in here.keys() - dialects} == {
        written: here[written] for written in here.keys() - dialects
    }


def test_runtimes_that_could_not_start_within_the_usual_limits_get_more_and_the_others_do_not():
    usual = Limits()
    raised = {
        name: {key: value for key, value in recipe(name, usual)["limits"].items() if value != getattr(usual, key)}
        for name in LANGUAGES
    }
    assert {name: more for name, more in raised.items() if more} == {
        "javascript": {"processes": 128},
        "java": {"memory_mb": 1024, "processes": 128},
        "go": {"processes": 128, "disk_mb": 512, "compile_s": 60},
    }
    assert {name for name in LANGUAGES if LANGUAGES[name].memory_limit == "data"} == {"javascript", "java", "go"}
    assert recipe("java", Limits(memory_mb=2048))["limits"]["memory_mb"] == 2048


@pytest.mark.parametrize(("language", "code"), cases(ECHO))
def test_it_runs(language, code):
    result = run(code, language, stdin=b"word\n")
    assert (result.status, result.stdout, result.stderr) == (Status.OK, "word\n", "")
    assert result.runtime == f"{language} {languages()[language]}"


@pytest.mark.parametrize(("language", "code"), cases(FAILING))
def test_a_failure_says_what_broke(language, code):
    result = run(code, language)
    assert result.status in {Status.ERROR, Status.SIGNAL}
    assert result.phase == "run"
    assert "broken" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(("language", "code"), cases(HUNGRY))
def test_memory_is_bounded_and_the_reason_is_told(language, code):
    result = run(code, language, limits=Limits(memory_mb=128))
    assert result.status is Status.OUT_OF_MEMORY
    assert result.peak_rss_bytes < 1300 * 2**20


@pytest.mark.parametrize(("language", "code"), cases(ENDLESS))
def test_without_end_it_is_stopped(language, code):
    result = run(code, language, limits=Limits(wall_s=0.5))
    assert (result.status, result.phase) == (Status.TIMEOUT, "run")


@pytest.mark.parametrize(("language", "code"), cases(REFUSED_BY_COMPILER))
def test_what_the_compiler_refuses_is_a_compile_error(language, code):
    result = run(code, language)
    assert (result.status, result.phase, result.exit_code) == (Status.COMPILE_ERROR, "compile", 1)
    assert result.stderr


@pytest.mark.parametrize(("language", "code"), cases(REFUSED_BY_INTERPRETER))
def test_what_an_interpreter_refuses_is_an_error_of_the_run(language, code):
    result = run(code, language)
    assert (result.status, result.phase) == (Status.ERROR, "run")
    assert result.exit_code not in (0, None)
    assert result.stderr


@pytest.mark.parametrize(("language", "code"), [("c", '#include "/dev/zero"')])
def test_a_compiler_without_end_is_stopped(language, code):
    result = run(code, language, limits=Limits(wall_s=0.5, compile_s=0.5))
    assert (result.status, result.phase) in {(Status.TIMEOUT, "compile"), (Status.OUT_OF_MEMORY, "compile")}
    assert result.wall_s < 3


# Evaluated by the compiler, which takes many seconds over it and little memory.
LABOUR = """
constexpr long labour() {
    long sum = 0;
    for (long one = 0; one < 250000; one++) for (long other = 0; other < 250000; other++) sum += other ^ one;
    return sum;
}
static_assert(labour() > 0);
int main() {}
"""
# Two seconds of reading for a program that does nothing.
LARGE = "#include <iostream>\n#include <random>\n#include <regex>\nint main() {}"


@pytest.mark.parametrize(("language", "code"), cases({"cpp": LABOUR}))
def test_a_compiler_is_cut_off_at_its_own_time(language, code):
    result = run(code, language, limits=Limits(wall_s=0.3, compile_s=0.3))
    assert (result.status, result.phase) == (Status.TIMEOUT, "compile"), result
    assert 0.6 <= result.wall_s < 3


@pytest.mark.parametrize(("language", "code"), cases({"cpp": LARGE}))
def test_the_time_that_compiling_took_is_not_the_programs(language, code):
    result = run(code, language, limits=Limits(wall_s=0.6))
    assert result.status is Status.OK, result
    assert result.wall_s > 0.6  # otherwise this shows nothing


@pytest.mark.parametrize(
    ("language", "code"), [("php", "echo 6 * 7;"), ("php", "<?php echo 6 * 7;"), ("php", "<?= 42 ?>")]
)
def test_php_runs_with_its_tag_and_without(language, code):
    assert run(code, language).stdout == "42"


@pytest.mark.parametrize(
    ("language", "code", "status"),
    [
        ("java", 'public class Main { public static void main(String[] a) { System.out.println("so far");'
        ' System.err.println("error: compilation failed"); System.exit(1); } }', Status.ERROR),
        ("python", "import sys\nprint('MemoryError: caught', file=sys.stderr)\nassert False", Status.ERROR),
    ],
)  # fmt: skip
def test_a_program_that_repeats_a_runtimes_words_is_not_taken_for_it(language, code, status):
    result = run(code, language)
    assert (result.status, result.phase) == (status, "run")
