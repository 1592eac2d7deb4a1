"""Search over the turns of dialogues."""

from django.db import migrations

from web.search import AddSearch


class Migration(migrations.Migration):
    dependencies = [("dialogues", "0001_initial")]
    operations = [AddSearch("dialogues_turn", ["content"])]
