"""Dialogues, their turns, reviews and versions: all tables at once, for a new database.

An older one goes on by the single steps that this replaces.
"""

import django.db.models.deletion
import web.search
from django.conf import settings
from django.db import migrations, models

from web.created_together import created_together


class Migration(migrations.Migration):

    replaces = [('dialogues', '0001_initial'), ('dialogues', '0002_search'), ('dialogues', '0003_review_queue'), ('dialogues', '0004_approved_version'), ('dialogues', '0005_search_by_regexp'), ('dialogues', '0006_withdrawals'), ('dialogues', '0007_funnel_facts'), ('dialogues', '0008_export_marked'), ('dialogues', '0009_list_columns'), ('dialogues', '0010_search_beside')]

    initial = True

    dependencies = [
        ('accounts', '0003_skip_suspects'),
        ('accounts', '__first__'),
        ('curation', '0024_search_beside'),
        ('runs', '0007_proposals_and_compacting'),
    ]

    operations = created_together([
        migrations.CreateModel(
            name='Dialogue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('reviews_wanted', models.PositiveSmallIntegerField(default=1)),
                ('reviews_given', models.PositiveSmallIntegerField(default=0)),
                ('method', models.CharField(choices=[('packing', 'packing'), ('simulation', 'interaction simulation'), ('correction', 'code correction'), ('similar', 'similar problems'), ('followup', 'follow-ups'), ('imported', 'imported')], max_length=12)),
                ('external_id', models.CharField(blank=True, max_length=128)),
                ('text_hash', models.CharField(blank=True, help_text='of the imported messages; empty when built here', max_length=64)),
                ('state', models.CharField(choices=[('draft', 'draft'), ('in_review', 'in review'), ('needs_work', 'needs work'), ('approved', 'approved'), ('rejected', 'rejected'), ('withdrawn', 'withdrawn')], default='in_review', max_length=12)),
                ('title', models.CharField(blank=True, help_text='start of the first turn, for lists', max_length=200)),
                ('language', models.CharField(blank=True, max_length=32)),
                ('family', models.CharField(blank=True, max_length=64)),
                ('flags', models.JSONField(blank=True, default=list, help_text='names of consistency checks that found something')),
                ('scripted', models.BooleanField(default=False, help_text='Its turns came from the scripted demo model.')),
                ('last_run_clean', models.BooleanField(help_text='null: it holds no code that was run', null=True)),
                ('exported', models.BooleanField(default=False, help_text='A version of it stands in a finished export.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('batch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dialogues', to='curation.importbatch')),
                ('claimed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('item', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dialogue', to='runs.workitem')),
                ('source', models.ForeignKey(blank=True, help_text='where it came from; of one that was built here, where its first seed came from', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dialogues', to='curation.source')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['id'], name='dialogue_list_newest'), models.Index(fields=['state', 'id'], name='dialogue_list_by_state'), models.Index(fields=['method', 'id'], name='dialogue_by_method'), models.Index(fields=['state', 'method', 'id', 'exported'], name='dialogue_by_state_method'), models.Index(fields=['language', 'id'], name='dialogue_list_by_language'), models.Index(fields=['source', 'id'], name='dialogue_list_by_source'), models.Index(fields=['source', 'state', 'id', 'method'], name='dialogue_list_source_state'), models.Index(fields=['exported', 'state', 'id'], name='dialogue_list_exported'), models.Index(fields=['source', 'exported', 'state', 'id'], name='dialogue_list_source_exported'), models.Index(fields=['language', 'state', 'method', 'source'], name='dialogue_by_language_state'), models.Index(condition=models.Q(('reviews_given__lt', models.F('reviews_wanted')), ('state', 'in_review')), fields=['state', 'id', 'claimed_until', 'claimed_by', 'reviews_given', 'reviews_wanted'], name='dialogue_review_queue')],
                'constraints': [models.CheckConstraint(condition=models.Q(('method__in', ['packing', 'simulation', 'correction', 'similar', 'followup', 'imported'])), name='dialogue_method_known'), models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'in_review', 'needs_work', 'approved', 'rejected', 'withdrawn'])), name='dialogue_state_known'), models.UniqueConstraint(condition=models.Q(('text_hash', ''), _negated=True), fields=('text_hash',), name='dialogue_imported_once')],
            },
        ),
        migrations.CreateModel(
            name='Branch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_position', models.PositiveSmallIntegerField()),
                ('turns', models.JSONField(help_text='the replaced turns, in order')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dialogue', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='branches', to='dialogues.dialogue')),
            ],
            options={
                'verbose_name_plural': 'branches',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Seed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('use', models.CharField(choices=[('packing', 'packing'), ('simulation', 'interaction simulation'), ('correction', 'code correction'), ('similar', 'similar problems'), ('followup', 'follow-ups'), ('imported', 'imported')], max_length=12)),
                ('dialogue', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seeds', to='dialogues.dialogue')),
                ('problem', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='seeds', to='curation.problem')),
                ('query', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='seeds', to='curation.query')),
                ('solution', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='seeds', to='curation.solution')),
            ],
            options={
                'ordering': ['dialogue', 'position'],
                'constraints': [models.UniqueConstraint(fields=('dialogue', 'position'), name='seed_position_once'), models.UniqueConstraint(condition=models.Q(('use', 'packing')), fields=('query',), name='seed_query_packed_once'), models.CheckConstraint(condition=models.Q(models.Q(('problem__isnull', True), ('query__isnull', False), ('solution__isnull', True)), models.Q(('problem__isnull', False), ('query__isnull', True)), _connector='OR'), name='seed_is_a_query_or_a_problem')],
            },
        ),
        migrations.CreateModel(
            name='Turn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('role', models.CharField(choices=[('user', 'user'), ('assistant', 'assistant')], max_length=12)),
                ('kind', models.CharField(choices=[('query', 'query'), ('answer', 'answer'), ('execution', 'execution'), ('feedback', 'feedback')], max_length=12)),
                ('content', models.TextField()),
                ('original_content', models.TextField(help_text='as it was built or imported')),
                ('category', models.CharField(blank=True, help_text='of a feedback turn: one of the ten', max_length=48)),
                ('not_satisfied', models.TextField(blank=True, help_text='of a feedback turn: what the user misses')),
                ('author_kind', models.CharField(choices=[('model', 'model'), ('person', 'person'), ('source', 'source')], max_length=8)),
                ('stale', models.BooleanField(default=False, help_text='A turn it depends on was edited after it.')),
                ('call', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='turns', to='runs.call')),
                ('dialogue', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='turns', to='dialogues.dialogue')),
                ('execution', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='turns', to='runs.execution')),
                ('seed', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='turns', to='dialogues.seed')),
            ],
            options={
                'ordering': ['dialogue', 'position'],
                'constraints': [models.UniqueConstraint(fields=('dialogue', 'position'), name='turn_position_once'), models.CheckConstraint(condition=models.Q(('content', ''), _negated=True), name='turn_not_empty'), models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['query', 'execution', 'feedback']), ('role', 'user')), models.Q(('kind', 'answer'), ('role', 'assistant')), _connector='OR'), name='turn_kind_fits_role')],
            },
        ),
        migrations.CreateModel(
            name='Revision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('content_before', models.TextField()),
                ('content_after', models.TextField()),
                ('category_before', models.CharField(blank=True, max_length=48)),
                ('category_after', models.CharField(blank=True, max_length=48)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='revisions', to=settings.AUTH_USER_MODEL)),
                ('turn', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='revisions', to='dialogues.turn')),
            ],
            options={
                'ordering': ['turn', 'number'],
                'constraints': [models.UniqueConstraint(fields=('turn', 'number'), name='revision_number_once')],
            },
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dialogue', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='dialogues.dialogue')),
                ('turn', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='comments', to='dialogues.turn')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('messages', models.TextField(help_text='canonical JSON: a list of {role, content}')),
                ('sha256', models.CharField(max_length=64)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to=settings.AUTH_USER_MODEL)),
                ('dialogue', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='dialogues.dialogue')),
            ],
            options={
                'ordering': ['dialogue', '-number'],
                'constraints': [models.UniqueConstraint(fields=('dialogue', 'number'), name='version_number_once')],
            },
        ),
        migrations.AddField(
            model_name='dialogue',
            name='approved_version',
            field=models.ForeignKey(blank=True, help_text='what leaves in an export; not always the newest, since an approval can be undone', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='dialogues.version'),
        ),
        migrations.CreateModel(
            name='Withdrawal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=64)),
                ('is_whole', models.BooleanField(help_text='The whole source, not one file of it.')),
                ('file_name', models.CharField(blank=True, max_length=255)),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('done', 'done'), ('failed', 'failed')], default='queued', max_length=8)),
                ('expected', models.JSONField(default=dict, help_text='rows by name, counted before it began')),
                ('gone', models.JSONField(default=dict, help_text='rows by name, as they went')),
                ('error', models.TextField(blank=True)),
                ('handed_at', models.DateTimeField(blank=True, help_text='when a worker was last told of it', null=True)),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('batch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='curation.importbatch')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='curation.source')),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('finished_at', None)), fields=('source',), name='withdrawal_one_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file_name', models.CharField(max_length=255)),
                ('layout', models.CharField(max_length=24)),
                ('filters', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('running', 'running'), ('done', 'done'), ('failed', 'failed')], default='running', max_length=8)),
                ('version_ids', models.JSONField(default=list)),
                ('dialogues', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0, help_text='approved dialogues that broke a rule of the layout')),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('error', models.TextField(blank=True)),
                ('marked', models.BooleanField(default=False, help_text='Each of its dialogues says that it has left.')),
                ('started_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='exports', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), models.Q(('sha256', ''), _negated=True), _connector='OR'), name='export_done_has_hash')],
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outcome', models.CharField(choices=[('approved', 'approved'), ('needs_work', 'needs work'), ('rejected', 'rejected')], max_length=12)),
                ('reason', models.TextField(blank=True)),
                ('dialogue_version', models.PositiveIntegerField()),
                ('edited', models.BooleanField(default=False, help_text='The reviewer had edited a turn before deciding.')),
                ('withdrawn', models.BooleanField(default=False, help_text='Undone by an action; kept for the record.')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to=settings.AUTH_USER_MODEL)),
                ('dialogue', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='dialogues.dialogue')),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['by', '-id'], name='review_by_person'), models.Index(fields=['dialogue', 'by'], name='review_by_dialogue')],
                'constraints': [models.CheckConstraint(condition=models.Q(('outcome', 'approved'), models.Q(('reason', ''), _negated=True), _connector='OR'), name='review_refusal_says_why')],
            },
        ),
        migrations.AddConstraint(
            model_name='dialogue',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'approved'), ('approved_version__isnull', True), _connector='OR'), name='dialogue_version_when_approved'),
        ),
        web.search.AddSearch(
            table='dialogues_turn',
            columns=['content'],
        ),
    ])
