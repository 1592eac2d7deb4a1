"""Stand PostgreSQL's words beside the turns, so that a change of any other column leaves them alone."""

from django.db import migrations

from web.search import RebuildSearch


class Migration(migrations.Migration):
    dependencies = [("dialogues", "0009_list_columns")]
    operations = [RebuildSearch("dialogues_turn", ["content"])]
