"""Queries, scores, decisions, near-duplicates and contamination: all tables at once, for a new database.

An older one goes on by the single steps that this replaces.
"""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import web.search
from django.conf import settings
from django.db import migrations, models

from curation.migrations._shipped import install_templates
from web.created_together import created_together


class Migration(migrations.Migration):

    replaces = [('curation', '0001_initial'), ('curation', '0002_search'), ('curation', '0003_list_indexes'), ('curation', '0004_audit_queue'), ('curation', '0005_import_mapping'), ('curation', '0006_search_by_regexp'), ('curation', '0007_what_was_said'), ('curation', '0008_clusters'), ('curation', '0009_cluster_source'), ('curation', '0010_contamination_queue'), ('curation', '0011_natural_language'), ('curation', '0012_uploads_and_withdrawal'), ('curation', '0013_funnel_facts'), ('curation', '0014_pool_passes'), ('curation', '0015_template_retired_judge_lab'), ('curation', '0016_audit_samples'), ('curation', '0017_shipped_templates'), ('curation', '0018_one_pass_at_a_time'), ('curation', '0019_expected_index'), ('curation', '0020_indexes_of_lists'), ('curation', '0021_list_columns'), ('curation', '0022_rule_pass_is_a_pool_pass'), ('curation', '0023_fewer_columns_in_indexes'), ('curation', '0024_search_beside')]

    initial = True

    dependencies = [
        ('accounts', '0003_skip_suspects'),
        ('accounts', '__first__'),
        ('runs', '0007_proposals_and_compacting'),
    ]

    operations = created_together([
        migrations.CreateModel(
            name='Benchmark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=64, unique=True)),
                ('sha256', models.CharField(max_length=64)),
                ('withdrawn', models.BooleanField(default=False, help_text='no query is checked against it any more')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Judge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(help_text='slug of the model in the models file', max_length=128)),
                ('sampling', models.JSONField(help_text='sampling parameters as sent')),
                ('draw', models.PositiveIntegerField(default=0)),
                ('counts', models.BooleanField(default=True)),
                ('lab', models.BooleanField(default=False, help_text='An arm of the rubric lab: its scores never enter a rule.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('lab', False), ('counts', False), _connector='OR'), name='judge_of_the_lab_never_counts')],
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=64, unique=True)),
                ('title', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('withdrawn_at', models.DateTimeField(blank=True, help_text='since when all of it is being taken out', null=True)),
            ],
            options={
                'ordering': ['slug'],
            },
        ),
        migrations.CreateModel(
            name='AuditSample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('size', models.PositiveIntegerField(help_text='queries drawn')),
                ('seed', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
                ('withdrawn', models.BooleanField(default=False, help_text='Undone, or followed by a later draw.')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('withdrawn', False)), fields=('withdrawn',), name='audit_sample_one_stands')],
            },
        ),
        migrations.CreateModel(
            name='BenchmarkTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=128)),
                ('prompt', models.TextField()),
                ('solution', models.TextField(blank=True)),
                ('tests', models.TextField(blank=True)),
                ('entry_point', models.CharField(blank=True, max_length=128)),
                ('benchmark', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='curation.benchmark')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('benchmark', 'external_id'), name='task_once_per_benchmark')],
            },
        ),
        migrations.CreateModel(
            name='ContaminationPass',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('doing', models.CharField(blank=True, help_text='what it is at', max_length=40)),
                ('done', models.PositiveIntegerField(default=0)),
                ('total', models.PositiveIntegerField(default=0)),
                ('found', models.JSONField(default=dict, help_text='what came of it, counted')),
                ('error', models.TextField(blank=True)),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('told_at', models.DateTimeField(help_text='when it last said where it was', null=True)),
                ('cancelled_at', models.DateTimeField(help_text='when someone asked it to end', null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('is_one', models.BooleanField(default=True, editable=False, help_text='the same everywhere: unique while open')),
                ('fingerprint', models.CharField(blank=True, help_text='of the tasks and the rules', max_length=64)),
                ('after', models.BigIntegerField(default=0, help_text='queries with a higher key were checked …')),
                ('until', models.BigIntegerField(default=0, help_text='… up to this one')),
                ('again', models.BooleanField(default=False, help_text='also queries that were checked before')),
                ('nearest', models.PositiveSmallIntegerField(default=10, help_text='how many queries near each task are suspected')),
                ('action', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.action')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'abstract': False,
                'constraints': [models.UniqueConstraint(condition=models.Q(('cancelled_at', None), ('error', ''), ('finished_at', None)), fields=('is_one',), name='contaminationpass_one_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='DuplicatePass',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('doing', models.CharField(blank=True, help_text='what it is at', max_length=40)),
                ('done', models.PositiveIntegerField(default=0)),
                ('total', models.PositiveIntegerField(default=0)),
                ('found', models.JSONField(default=dict, help_text='what came of it, counted')),
                ('error', models.TextField(blank=True)),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('told_at', models.DateTimeField(help_text='when it last said where it was', null=True)),
                ('cancelled_at', models.DateTimeField(help_text='when someone asked it to end', null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('is_one', models.BooleanField(default=True, editable=False, help_text='the same everywhere: unique while open')),
                ('compare_by', models.CharField(choices=[('form', 'form: equal but for case, punctuation and courtesies'), ('words', 'words: also slips, other names, other numbers'), ('meaning', 'meaning: also paraphrases, by embeddings')], default='words', max_length=8)),
                ('action', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.action')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'abstract': False,
                'constraints': [models.UniqueConstraint(condition=models.Q(('cancelled_at', None), ('error', ''), ('finished_at', None)), fields=('is_one',), name='duplicatepass_one_at_a_time'), models.CheckConstraint(condition=models.Q(('compare_by__in', ['form', 'words', 'meaning'])), name='duplicate_pass_by_known')],
            },
        ),
        migrations.CreateModel(
            name='Guidelines',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(unique=True)),
                ('text', models.TextField()),
                ('withdrawn', models.BooleanField(default=False, help_text='Undone by an action; kept for the record.')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'guidelines',
                'ordering': ['-number'],
                'constraints': [models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='guidelines_count_from_one'), models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='guidelines_say_something')],
            },
        ),
        migrations.CreateModel(
            name='ImportBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('holds', models.CharField(choices=[('queries', 'queries'), ('dialogues', 'dialogues'), ('problems', 'problems'), ('benchmark', 'benchmark tasks')], max_length=16)),
                ('file_name', models.CharField(max_length=255)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('layout', models.CharField(blank=True, max_length=32)),
                ('mapping', models.JSONField(blank=True, default=dict, help_text='field of the file for each target; empty: none')),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('done', 'done'), ('failed', 'failed')], default='running', max_length=8)),
                ('read', models.PositiveIntegerField(default=0)),
                ('accepted', models.PositiveIntegerField(default=0)),
                ('duplicates', models.PositiveIntegerField(default=0)),
                ('rejected', models.PositiveIntegerField(default=0)),
                ('error', models.TextField(blank=True)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='curation.source')),
            ],
            options={
                'verbose_name_plural': 'import batches',
                'ordering': ['-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('read', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('accepted'), '+', models.F('duplicates')), '+', models.F('rejected')))), name='batch_counts_add_up')],
            },
        ),
        migrations.CreateModel(
            name='Problem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=128)),
                ('title', models.CharField(blank=True, max_length=300)),
                ('text', models.TextField()),
                ('text_hash', models.CharField(max_length=64)),
                ('difficulty', models.CharField(blank=True, max_length=32)),
                ('tags', models.JSONField(default=list)),
                ('tests', models.JSONField(default=dict)),
                ('batch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='problems', to='curation.importbatch')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='problems', to='curation.source')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('source', 'text_hash'), name='problem_once_per_source')],
            },
        ),
        migrations.CreateModel(
            name='Query',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('reviews_wanted', models.PositiveSmallIntegerField(default=1)),
                ('reviews_given', models.PositiveSmallIntegerField(default=0)),
                ('text', models.TextField()),
                ('response', models.TextField(blank=True)),
                ('language', models.CharField(blank=True, help_text='programming language; empty: unknown', max_length=32)),
                ('natural_language', models.CharField(blank=True, help_text='in which the text is written, ISO 639; und: cannot be told; null: not looked at', max_length=8, null=True)),
                ('tags', models.JSONField(blank=True, default=list)),
                ('text_hash', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('duplicate_reason', models.CharField(blank=True, max_length=200)),
                ('contamination', models.CharField(choices=[('none', 'none found'), ('suspect', 'suspect'), ('set_aside', 'set aside'), ('cleared', 'cleared by a person')], default='none', max_length=12)),
                ('suspicion', models.FloatField(blank=True, help_text="how near the nearest benchmark task is; the queue's order", null=True)),
                ('ratings', models.CharField(blank=True, help_text='the scores of the judges that count, by judge: 3=4 7=2', max_length=200)),
                ('expected', models.FloatField(blank=True, help_text='mean of their expected scores, where all have one', null=True)),
                ('scoring', models.CharField(choices=[('none', 'not every judge has answered'), ('readable', 'every judge gave a readable score'), ('unreadable', 'a judge gave no readable score')], default='none', max_length=12)),
                ('mean', models.FloatField(blank=True, help_text='mean of the raw scores of the judges that count', null=True)),
                ('raw_gap', models.SmallIntegerField(blank=True, null=True)),
                ('linked_gap', models.FloatField(blank=True, help_text="gap after linking B's scale to A's", null=True)),
                ('disputed', models.BooleanField(default=False)),
                ('flip_risk', models.PositiveSmallIntegerField(default=0, help_text='hundredths: 100 where the rule’s figure lies at its threshold, or there is none')),
                ('cell_rarity', models.PositiveSmallIntegerField(default=0, help_text='by how many half orders of magnitude its cell is smaller than the pool')),
                ('audit_place', models.PositiveIntegerField(blank=True, help_text='where a query that was picked as control or for a sample stands in the queue', null=True)),
                ('decision', models.CharField(choices=[('none', 'undecided'), ('keep', 'keep'), ('drop', 'drop')], default='none', max_length=8)),
                ('decision_rule', models.CharField(blank=True, help_text='rule and threshold, or `verdict`', max_length=64)),
                ('decision_version', models.PositiveIntegerField(default=0, help_text='how often this query has been decided')),
                ('decision_inputs', models.JSONField(blank=True, default=dict, help_text='raw and linked score by template')),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('used', models.BooleanField(default=False, help_text='A dialogue was grown from it.')),
                ('stage', models.GeneratedField(db_persist=True, expression=models.Case(models.When(duplicate_of__isnull=False, then=models.Value('duplicate')), models.When(contamination='set_aside', then=models.Value('set_aside')), models.When(decision='keep', then=models.Value('kept')), models.When(decision='drop', then=models.Value('dropped')), models.When(scoring='unreadable', then=models.Value('unreadable')), models.When(scoring='readable', then=models.Value('scored')), default=models.Value('unscored'), output_field=models.CharField(max_length=12)), output_field=models.CharField(max_length=12))),
                ('dispute_size', models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce(models.F('linked_gap'), models.Value(9.0)), output_field=models.FloatField())),
                ('audit_order', models.GeneratedField(db_persist=True, expression=models.Case(models.When(audit_place__isnull=False, then=models.F('audit_place')), models.When(disputed=True, then=django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('flip_risk'), '*', models.Value(10000000)), '+', django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Cast(django.db.models.expressions.CombinedExpression(django.db.models.functions.comparison.Coalesce(models.F('linked_gap'), models.Value(9.0)), '*', models.Value(100.0)), models.IntegerField()), '*', models.Value(10000))), '+', models.F('cell_rarity'))), default=None, output_field=models.IntegerField()), output_field=models.IntegerField())),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='queries', to='curation.importbatch')),
                ('claimed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('duplicate_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='duplicates', to='curation.query')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='queries', to='curation.source')),
            ],
            options={
                'verbose_name_plural': 'queries',
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['id'], name='query_list_newest'), models.Index(fields=['stage', 'id'], name='query_list_by_stage'), models.Index(fields=['source', 'id', 'used'], name='query_list_by_source'), models.Index(fields=['source', 'stage', 'id', 'used'], name='query_list_by_source_stage'), models.Index(condition=models.Q(('used', True)), fields=['id', 'stage', 'source'], name='query_list_used_newest'), models.Index(condition=models.Q(('used', True)), fields=['stage', 'id'], name='query_list_used'), models.Index(condition=models.Q(('stage', 'kept'), ('used', False)), fields=['id'], name='query_list_unused'), models.Index(condition=models.Q(('stage', 'kept'), ('used', False)), fields=['source', 'id'], name='query_list_unused_source'), models.Index(fields=['language', 'id', 'used'], name='query_list_by_language'), models.Index(fields=['natural_language', 'id'], name='query_list_by_natural_language'), models.Index(condition=models.Q(('contamination', 'none'), _negated=True), fields=['contamination', 'id'], name='query_contaminated'), models.Index(condition=models.Q(('disputed', True)), fields=['-dispute_size', 'id', 'source', 'language'], name='query_list_disputed'), models.Index(condition=models.Q(('disputed', True)), fields=['stage', '-dispute_size', 'id'], name='query_list_disputed_stage'), models.Index(condition=models.Q(('disputed', True)), fields=['source', 'stage'], name='query_disputed_by_source'), models.Index(condition=models.Q(('contamination', 'suspect')), fields=['-suspicion', 'id', 'duplicate_of', 'claimed_until', 'claimed_by'], name='query_suspects'), models.Index(fields=['source', 'stage', 'used'], name='query_by_source_stage_used'), models.Index(fields=['language', 'stage', 'source', 'used'], name='query_by_language_stage'), models.Index(fields=['decision', 'disputed'], name='query_by_decision'), models.Index(fields=['ratings', 'decision', 'duplicate_of', 'contamination'], name='query_by_ratings'), models.Index(condition=models.Q(('ratings__gt', '')), fields=['ratings', 'source', 'language', 'duplicate_of', 'contamination'], name='query_by_ratings_source'), models.Index(condition=models.Q(('expected__isnull', False)), fields=['id', 'expected', 'decision', 'duplicate_of', 'contamination'], name='query_by_expected'), models.Index(condition=models.Q(('decision_rule', 'verdict')), fields=['ratings', 'decision', 'expected', 'duplicate_of', 'contamination', 'decision_rule'], name='query_by_verdict'), models.Index(condition=models.Q(('audit_order__isnull', False), ('reviews_given__lt', models.F('reviews_wanted'))), fields=['-audit_order', 'id', 'duplicate_of', 'contamination', 'claimed_until', 'claimed_by', 'reviews_given', 'reviews_wanted', 'source', 'language'], name='query_audit_queue'), models.Index(condition=models.Q(('audit_order__isnull', False), ('reviews_given__gte', models.F('reviews_wanted'))), fields=['source', 'language'], name='query_audited'), models.Index(condition=models.Q(('ratings__gt', ''), ('reviews_given__lt', models.F('reviews_wanted'))), fields=['ratings', 'id', 'duplicate_of', 'contamination', 'claimed_until', 'claimed_by', 'reviews_given', 'reviews_wanted', 'source', 'language'], name='query_cell_queue')],
                'constraints': [models.CheckConstraint(condition=models.Q(('contamination__in', ['none', 'suspect', 'set_aside', 'cleared'])), name='query_contamination_known'), models.CheckConstraint(condition=models.Q(('scoring__in', ['none', 'readable', 'unreadable'])), name='query_scoring_known'), models.CheckConstraint(condition=models.Q(('decision__in', ['none', 'keep', 'drop'])), name='query_decision_known'), models.CheckConstraint(condition=models.Q(('decision', 'none'), models.Q(models.Q(('decision_rule', ''), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='query_decision_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('decision', 'keep'), _negated=True), ('scoring', 'readable'), ('decision_rule', 'verdict'), _connector='OR'), name='query_kept_is_readable'), models.CheckConstraint(condition=models.Q(('flip_risk__lte', 100)), name='query_flip_risk_in_hundredths'), models.CheckConstraint(condition=models.Q(('duplicate_of', models.F('id')), _negated=True), name='query_not_its_own_duplicate')],
            },
        ),
        migrations.CreateModel(
            name='DuplicateCluster',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('form', 'same words'), ('near', 'near-duplicates'), ('variant', 'variants'), ('paraphrase', 'paraphrases')], max_length=12)),
                ('size', models.PositiveIntegerField(default=0, help_text='the representative counts too')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('representative', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='represents', to='curation.query')),
                ('source', models.ForeignKey(help_text='that of the representative', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.source')),
            ],
            options={
                'ordering': ['-size', 'pk'],
                'indexes': [models.Index(condition=models.Q(('size__gt', 1)), fields=['-size', '-id'], name='cluster_list'), models.Index(condition=models.Q(('size__gt', 1)), fields=['kind', '-size', '-id'], name='cluster_list_by_kind'), models.Index(condition=models.Q(('size__gt', 1)), fields=['source', '-size', '-id'], name='cluster_list_by_source'), models.Index(condition=models.Q(('size__gt', 1)), fields=['source', 'kind'], name='cluster_by_source_kind')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['form', 'near', 'variant', 'paraphrase'])), name='cluster_kind_known'), models.CheckConstraint(condition=models.Q(('size', 1), _negated=True), name='cluster_of_several'), models.UniqueConstraint(condition=models.Q(('kind__in', ['form', 'near']), ('size__gt', 0)), fields=('representative',), name='cluster_merged_once'), models.UniqueConstraint(condition=models.Q(('kind', 'variant'), ('size__gt', 0)), fields=('representative',), name='cluster_variants_once'), models.UniqueConstraint(condition=models.Q(('kind', 'paraphrase'), ('size__gt', 0)), fields=('representative',), name='cluster_paraphrases_once')],
            },
        ),
        migrations.CreateModel(
            name='Distinction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stands', models.BooleanField(default=False, help_text='not undone')),
                ('first', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.query')),
                ('second', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='curation.query')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('first', 'second'), name='distinction_once'), models.CheckConstraint(condition=models.Q(('first__lt', models.F('second'))), name='distinction_in_order')],
            },
        ),
        migrations.CreateModel(
            name='ContaminationHit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tier', models.CharField(choices=[('exact', 'same text'), ('ngram_query', 'words of the query'), ('ngram_answer', 'words of the answer'), ('identifiers', 'same code, other names'), ('neighbour', 'near in meaning'), ('execution', "answer passes the task's tests")], max_length=16)),
                ('score', models.FloatField()),
                ('matched_text', models.TextField()),
                ('opinion', models.CharField(blank=True, choices=[('same', 'the same task'), ('other', 'another task'), ('unclear', 'no readable answer')], help_text='of a model; empty: not asked', max_length=8)),
                ('opinion_reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('opinion_call', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.call')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hits', to='curation.benchmarktask')),
                ('query', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contamination_hits', to='curation.query')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('query', 'task', 'tier'), name='hit_once_per_tier'), models.CheckConstraint(condition=models.Q(('tier__in', ['exact', 'ngram_query', 'ngram_answer', 'identifiers', 'neighbour', 'execution'])), name='hit_tier_known')],
            },
        ),
        migrations.CreateModel(
            name='ClusterMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('how', models.CharField(help_text='in what it differs from the representative', max_length=12)),
                ('similarity', models.FloatField(blank=True, help_text='of meaning, where that proposed it', null=True)),
                ('stands', models.BooleanField(default=False, help_text='not undone')),
                ('settled', models.BooleanField(default=False, help_text='a person said so')),
                ('cluster', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='curation.duplicatecluster')),
                ('query', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='curation.query')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('cluster', 'query'), name='member_once_per_cluster')],
            },
        ),
        migrations.CreateModel(
            name='RejectedRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.PositiveIntegerField(help_text="line of the file; for a JSON array or CSV the record's number")),
                ('reason', models.CharField(max_length=300)),
                ('excerpt', models.CharField(blank=True, max_length=300)),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rejected_records', to='curation.importbatch')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['batch', 'reason', 'line'], name='rejected_list_by_reason')],
                'constraints': [models.UniqueConstraint(fields=('batch', 'line'), name='rejected_once_per_line')],
            },
        ),
        migrations.CreateModel(
            name='RulePass',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('doing', models.CharField(blank=True, help_text='what it is at', max_length=40)),
                ('done', models.PositiveIntegerField(default=0)),
                ('total', models.PositiveIntegerField(default=0)),
                ('found', models.JSONField(default=dict, help_text='what came of it, counted')),
                ('error', models.TextField(blank=True)),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('told_at', models.DateTimeField(help_text='when it last said where it was', null=True)),
                ('cancelled_at', models.DateTimeField(help_text='when someone asked it to end', null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('is_one', models.BooleanField(default=True, editable=False, help_text='the same everywhere: unique while open')),
                ('rule', models.CharField(max_length=64)),
                ('threshold', models.FloatField()),
                ('action', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.action')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'abstract': False,
                'constraints': [models.UniqueConstraint(condition=models.Q(('cancelled_at', None), ('error', ''), ('finished_at', None)), fields=('is_one',), name='rulepass_one_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='Score',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.PositiveSmallIntegerField(null=True)),
                ('expected', models.FloatField(help_text='expected value from the probabilities of the tokens 1–5', null=True)),
                ('explanation', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('ok', 'ok'), ('unreadable', 'unreadable'), ('refused', 'refused')], max_length=12)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('call', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='scores', to='runs.call')),
                ('judge', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='scores', to='curation.judge')),
                ('query', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scores', to='curation.query')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('query', 'judge'), name='score_once_per_judge'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'ok'), ('value__gte', 1), ('value__lte', 5)), models.Q(('state__in', ['unreadable', 'refused']), ('value__isnull', True)), _connector='OR'), name='score_value_only_when_ok'), models.CheckConstraint(condition=models.Q(('expected__isnull', True), models.Q(('expected__gte', 1), ('expected__lte', 5)), _connector='OR'), name='score_expected_in_range')],
            },
        ),
        migrations.CreateModel(
            name='Sighting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.PositiveIntegerField()),
                ('repeats', models.BooleanField(default=False, help_text='The text was known before this line.')),
                ('external_id', models.CharField(blank=True, max_length=128)),
                ('response_hash', models.CharField(blank=True, max_length=64)),
                ('response', models.TextField(blank=True, null=True)),
                ('batch', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sightings', to='curation.importbatch')),
                ('query', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sightings', to='curation.query')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(condition=models.Q(('repeats', True)), fields=['batch', 'line'], name='sighting_list_repeats')],
                'constraints': [models.UniqueConstraint(fields=('batch', 'line'), name='sighting_once_per_line')],
            },
        ),
        migrations.CreateModel(
            name='Solution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(max_length=32)),
                ('code', models.TextField()),
                ('code_hash', models.CharField(max_length=64)),
                ('complexity', models.CharField(blank=True, max_length=64)),
                ('verified', models.CharField(choices=[('unknown', 'not yet run'), ('passed', 'passes its tests'), ('failed', 'fails its tests')], default='unknown', max_length=8)),
                ('execution', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='runs.execution')),
                ('problem', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='solutions', to='curation.problem')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('problem', 'code_hash'), name='solution_once_per_problem'), models.CheckConstraint(condition=models.Q(('verified__in', ['unknown', 'passed', 'failed'])), name='solution_verified_known')],
            },
        ),
        migrations.CreateModel(
            name='Stratum',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('pattern', models.CharField(help_text='the scores by judge: 3=4 7=2', max_length=200)),
                ('stage', models.CharField(max_length=12)),
                ('size', models.PositiveIntegerField()),
                ('drawn', models.PositiveIntegerField()),
                ('sample', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='strata', to='curation.auditsample')),
            ],
            options={
                'verbose_name_plural': 'strata',
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('sample', 'number'), name='stratum_number_once'), models.UniqueConstraint(fields=('sample', 'pattern', 'stage'), name='stratum_once'), models.CheckConstraint(condition=models.Q(('drawn__gte', 1), ('drawn__lte', models.F('size'))), name='stratum_drawn_within')],
            },
        ),
        migrations.CreateModel(
            name='SampledQuery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('query', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sampled', to='curation.query')),
                ('stratum', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='queries', to='curation.stratum')),
            ],
            options={
                'verbose_name_plural': 'sampled queries',
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('query', 'stratum'), name='sampled_query_once')],
            },
        ),
        migrations.CreateModel(
            name='Template',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=64)),
                ('version', models.PositiveIntegerField(default=1)),
                ('level_labels', models.JSONField(help_text='five labels, level 1 first')),
                ('body', models.TextField(help_text='placeholders: {{query}}, {{levels}}, {{order}}, optionally {{response}}')),
                ('answer_order', models.CharField(choices=[('score_first', 'score first, then the reason'), ('reason_first', 'reason first, then the score')], default='score_first', max_length=16)),
                ('retired', models.BooleanField(default=False, help_text='No longer offered; what was scored with it stays.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name', '-version'],
                'constraints': [models.UniqueConstraint(fields=('name', 'version'), name='template_version_once'), models.CheckConstraint(condition=models.Q(('answer_order__in', ['score_first', 'reason_first'])), name='template_order_known')],
            },
        ),
        migrations.CreateModel(
            name='Link',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('table', models.JSONField(help_text="five numbers: level 1–5 of the template on the anchor's scale")),
                ('method', models.CharField(max_length=16)),
                ('n', models.PositiveIntegerField(help_text='queries with a readable score by both')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('anchor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links_onto', to='curation.template')),
                ('template', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='curation.template')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.AddField(
            model_name='judge',
            name='template',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='judges', to='curation.template'),
        ),
        migrations.CreateModel(
            name='Calibration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('table', models.JSONField(help_text="five numbers: the level people give on average, by the template's level")),
                ('counts', models.JSONField(help_text="five counts: verdicts by the template's level")),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('template', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='calibrations', to='curation.template')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=32, unique=True)),
                ('file_name', models.CharField(max_length=255)),
                ('size', models.PositiveBigIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('choice', models.JSONField(blank=True, default=dict, help_text='as what the file is read, and into which source')),
                ('bytes_read', models.PositiveBigIntegerField(default=0)),
                ('attempts', models.PositiveSmallIntegerField(default=0, help_text='times a worker began and did not come to an end')),
                ('handed_at', models.DateTimeField(blank=True, help_text='when a worker was last told of it', null=True)),
                ('came_at', models.DateTimeField(auto_now_add=True)),
                ('batch', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='upload', to='curation.importbatch')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uploads', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Vector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text_hash', models.CharField(max_length=64)),
                ('model', models.CharField(max_length=128)),
                ('values', models.BinaryField()),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('text_hash', 'model'), name='vector_once_per_model')],
            },
        ),
        migrations.CreateModel(
            name='Verdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.PositiveSmallIntegerField()),
                ('keep', models.BooleanField()),
                ('who_was_right', models.CharField(blank=True, choices=[('a', 'A was right'), ('b', 'B was right'), ('both', 'both'), ('neither', 'neither')], max_length=8)),
                ('note', models.TextField(blank=True)),
                ('blind', models.BooleanField(default=True, help_text='The value was given before the scores were shown.')),
                ('seconds', models.FloatField(default=0, help_text='from showing the query to the verdict')),
                ('stratum', models.CharField(blank=True, max_length=32)),
                ('weight', models.FloatField(default=1.0)),
                ('withdrawn', models.BooleanField(default=False, help_text='Undone by an action; kept for the record.')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='verdicts', to=settings.AUTH_USER_MODEL)),
                ('query', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='verdicts', to='curation.query')),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['by', '-id'], name='verdict_by_person')],
                'constraints': [models.CheckConstraint(condition=models.Q(('value__gte', 1), ('value__lte', 5)), name='verdict_value_in_range'), models.CheckConstraint(condition=models.Q(('who_was_right__in', ['', 'a', 'b', 'both', 'neither'])), name='verdict_right_known'), models.UniqueConstraint(condition=models.Q(('withdrawn', False)), fields=('query', 'by'), name='verdict_once_per_person')],
            },
        ),
        migrations.AddConstraint(
            model_name='judge',
            constraint=models.UniqueConstraint(fields=('template', 'model', 'sampling', 'draw', 'lab'), name='judge_once'),
        ),
        web.search.AddSearch(
            table='curation_query',
            columns=['text', 'response'],
        ),
        migrations.RunPython(install_templates, migrations.RunPython.noop),
    ])
